import type { Change } from '../../src/store/store.ts';
import { type Image, MemoryFiles, type Operation } from '../store/json/memory-files.ts';
import { InTurns, type Random, randomFrom } from './conduct.ts';
import { Expectations } from './expectations.ts';
import { openedAt, readStore, storeDir } from './recovered.ts';
import { Session, type SessionOptions } from './session.ts';

/** What a store did to a disk from an image on, and what it promised on the way. */
export interface Trace {
  readonly start: Image;
  readonly operations: readonly Operation[];
  readonly expectations: Expectations;
  /** What else holds on each image: returns what is wrong with it. */
  readonly check: ((image: Image) => Promise<string | null>) | null;
}

/** Where the workload's backup is made. */
const backupDir = '/data/backup';

/** An empty machine: only the directory that the store's parents are made in. */
export const emptyDisk: Image = { directories: [], files: new Map() };

/**
 * A life of a store, the same for the same seed: it is opened, commits in groups beside syncs and checkpoints, meets
 * a full disk, is closed, opened again, and left in the middle of its work.
 */
export async function runWorkload(seed: number, commits: number): Promise<Trace> {
  const random = randomFrom(seed);
  const files = new MemoryFiles(emptyDisk);
  const conduct = new InTurns(files, random);
  const expectations = Expectations.from(await readStore(new MemoryFiles(emptyDisk), storeDir));
  const options = (ids: string): SessionOptions => ({
    ids: `${ids}-`,
    checkpointMinBytes: 1_500,
    historyMaxBytes: seed % 2 === 0 ? 0 : 64 * 1024,
  });

  const first = await Session.open(files, expectations, conduct, options('first'));
  await work(first, conduct, random, commits);
  await fillDisk(first, files, conduct, random);
  await work(first, conduct, random, Math.ceil(commits / 3));
  await first.close();
  const second = await Session.open(files, expectations, conduct, options('second'));
  await work(second, conduct, random, Math.ceil(commits / 4));
  const backup = second.backup(backupDir);
  await work(second, conduct, random, Math.ceil(commits / 4));
  await conduct.until(backup);
  await work(second, conduct, random, Math.ceil(commits / 4));

  const [surprise] = [...first.surprises, ...second.surprises];
  if (surprise !== undefined) throw surprise;
  return { start: emptyDisk, operations: files.operations, expectations, check: null };
}

async function work(session: Session, conduct: InTurns, random: Random, commits: number): Promise<void> {
  for (let made = 0; made < commits; ) {
    if (random() < 0.3) {
      for (let group = 1 + Math.floor(random() * 3); group > 0; group -= 1) {
        void session.commit(drawChanges(random));
        made += 1;
      }
    } else await conduct.turn();
  }
}

/** Commits are refused for lack of room, in the middle of a write; then there is room again. */
async function fillDisk(
  session: Session,
  files: MemoryFiles,
  conduct: InTurns,
  random: Random,
): Promise<void> {
  for (let index = 0; index < 12; index += 1) await conduct.turn();
  files.room = 200;
  const refused = [drawChanges(random), drawChanges(random)].map((changes) => session.commit(changes));
  await conduct.until(Promise.all(refused));
  files.room = Number.POSITIVE_INFINITY;
}

const names = ['a', 'b', 'c', 'd', 'e'];

/** One or three changes of a few records, drawn. */
export function drawChanges(random: Random): Change[] {
  const draw = (count: number) => Math.floor(random() * count);
  const [one, other] = [names[draw(5)], names[draw(5)]] as [string, string];
  const amount = draw(1_000);
  const text = 'x'.repeat(draw(random() < 0.2 ? 900 : 120));
  const note = (id: string, value: number | string) => changed('annotation', `${id}/note`, { value });
  switch (draw(4)) {
    case 0:
      if (amount >= 850) return step(one, amount);
      if (amount >= 700) return tick(one, amount);
      return [changed('job', one, { name: `name-${amount}`, args: [text] })];
    case 1:
      return [{ ...changed('annotation', `${one}/note`, null), gone: true }];
    case 2:
      return [note(one, text)];
    default:
      // A put under a unique name: its job and the name are there, or neither is.
      if (amount % 2 === 0)
        return [
          changed('job', one, { name: `name-${amount}`, uniqueKey: '/name/k', args: [] }),
          changed('unique', '/name/k', { job: one, at: amount }),
          note(one, amount),
        ];
      return [
        note(one, amount),
        note(`${other}${other}`, -amount),
        changed('queue', one, { createdAt: amount }),
      ];
  }
}

/** A tick of a schedule, as it is committed: the schedule, and the put of its job, which names the tick. */
function tick(name: string, at: number): Change[] {
  const id = `${name}-${at}`;
  const origin = { schedule: `/${name}`, tick: at };
  const put = { name: 'ticked', origin, parent: { queue: '' }, line: 'now', beginAfter: at };
  return [
    changed('schedule', `/${name}`, {
      lastTick: at,
      nextTick: at + 1,
      nextAt: at + 1,
      lastJob: id,
      runs: at,
    }),
    { ...changed('job', id, put), event: 'job.put', to: 'pending' },
  ];
}

/** A step of an actor, as it is committed: its state, the end of the message that it took, one that it sends, and the put of its child. */
function step(name: string, at: number): Change[] {
  const id = `order/${name}`;
  // Taken at the instant of the opening: it is not to be dropped yet.
  const mail = { actor: id, machine: 'order', endedAt: openedAt };
  const state = { machine: 'order', status: 'active', 'c:at': at, 'c:list': [], dueAt: at };
  const put = { name: 'child', parent: { queue: '' }, line: 'now', beginAfter: at };
  return [
    { ...changed('actor', id, state), to: `s${at}`, arg: { by: name, at } },
    { ...changed('message', `${id}#${at}`, { ...mail, event: { type: 'go' }, at }), to: 'taken' },
    { ...changed('message', `${id}#${at}+`, { ...mail, event: null, at, from: id }), to: 'waiting' },
    {
      ...changed('job', `${name}-${at}-child`, {
        ...put,
        reply: { actor: id, machine: 'order', child: 'c', run: at },
      }),
      event: 'job.put',
      to: 'pending',
    },
  ];
}

function changed(kind: Change['kind'], id: string, patch: Change['patch']): Change {
  return { kind, id, event: `${kind}.set`, from: null, to: null, patch };
}

/** Two commits that follow a recovery, each acknowledged. */
export async function continueStore(session: Session): Promise<void> {
  await session.commit([changed('annotation', 'after/one', { value: 'after the crash' })]);
  await session.commit([changed('job', 'after', { name: 'after', args: [] })]);
}
