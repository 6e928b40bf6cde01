import { type Signalbox, SignalboxError } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { createTestBox, SeededRandom, type TestBox, VirtualReactor } from 'signalbox/testing';
import type { HistoryEntry } from '../../src/store/entry.ts';
import { createInlineSyncPort } from '../../src/store/json/ports/sync-port.ts';
import { Audit } from '../../src/testing/simulate/audit/audit.ts';
import { Oracle } from '../../src/testing/simulate/oracle/oracle.ts';
import { counter, talker } from '../simulate/actors/machines.ts';
import { charge, invoice, mail, order, parcel, refund } from '../simulate/actors/order.ts';
import { tell } from '../simulate/actors/scenario.ts';
import { type Image, MemoryFiles } from '../store/json/memory-files.ts';
import { type Random, randomFrom } from './conduct.ts';
import { Expectations } from './expectations.ts';
import { noLock, openedAt, readStore, storeDir } from './recovered.ts';
import { emptyDisk, type Trace } from './workload.ts';

const machines = [counter, order, parcel, talker];
const jobs = [charge, invoice, refund, mail, tell];

/** How long all that goes on by itself takes at most. */
const longestLife = '3m';

/** A box on a disk, in virtual time. Its ids are of this life alone. */
async function openBox(files: MemoryFiles, life: string, seed: number, now: number): Promise<Opened> {
  const reactor = new VirtualReactor({ now });
  const syncs = (): ReturnType<typeof createInlineSyncPort> => createInlineSyncPort(files);
  // Crashes meet checkpoints, and all of the journal is kept for the audit.
  const settings = { files, syncs, lock: noLock, checkpointMinBytes: 12_000, historyMaxBytes: 2 ** 30 };
  let ids = 0;
  const newId = (): string => {
    ids += 1;
    return `${life}-${ids}`;
  };
  const test = await createTestBox({
    ...{ store: jsonStore(storeDir, settings), reactor, jobs, machines, log: null },
    ...{ uuid: life, ids: { newId, newUuid: newId }, random: new SeededRandom(seed) },
  });
  return { test, box: test.box, reactor };
}

interface Opened {
  readonly test: TestBox;
  readonly box: Signalbox;
  readonly reactor: VirtualReactor;
}

/** A line of the journal, and after how many operations it was shown to others. */
interface Shown {
  readonly seq: number;
  readonly at: number;
}

/**
 * A life of durable actors, the same for the same seed: they are started, sent to and asked, put jobs, have children and timers, and
 * write to each other. Their process ends, another one goes on.
 */
export async function runActors(seed: number, acts: number): Promise<Trace> {
  const random = randomFrom(seed);
  const files = new MemoryFiles(emptyDisk);
  const expectations = Expectations.from(await readStore(new MemoryFiles(emptyDisk), storeDir));
  const shown: Shown[] = [];
  const answered: Shown[] = [];
  let now = openedAt;
  for (const life of ['first', 'second']) {
    const { test, box, reactor } = await openBox(files, life, seed, now);
    box.store.follow((lines) => {
      for (const line of lines)
        shown.push({ seq: line.s + line.entries.length - 1, at: files.operations.length });
    });
    for (let left = acts; left > 0; left -= 1) {
      await answers(act(box, random));
      // What was answered is on disk by then: the newest that anyone was shown.
      answered.push({ seq: shown.at(-1)?.seq ?? 0, at: files.operations.length });
      if (random() < 0.4) await reactor.advance(`${1 + Math.floor(random() * 5)}s`);
    }
    now = reactor.now();
    await test.tearDown();
  }
  const { test, box } = await openBox(files, 'reader', seed, now);
  const entries = await entriesOf(box);
  const end = files.operations.length;
  await test.tearDown();
  expectLines(expectations, entries, shown, end);
  for (const { seq, at } of answered) expectations.acknowledge(seq, at);
  return { start: emptyDisk, operations: files.operations.slice(0, end), expectations, check: goOn(seed) };
}

/** The states that may be on a disk: those after each line. Which of them when, only the answers say. */
function expectLines(
  expectations: Expectations,
  entries: readonly HistoryEntry[],
  shown: readonly Shown[],
  end: number,
): void {
  const lines = new Map<number, HistoryEntry[]>();
  for (const entry of entries) lines.set(entry.commit, [...(lines.get(entry.commit) ?? []), entry]);
  for (const line of lines.values()) {
    const seq = expectations.stage(line, 0);
    const at = shown.find((each) => each.seq === seq)?.at;
    expectations.acknowledge(seq, at ?? end);
  }
}

async function entriesOf(box: Signalbox): Promise<readonly HistoryEntry[]> {
  const entries: HistoryEntry[] = [];
  for await (const entry of box.store.entries(1)) entries.push(entry);
  return entries;
}

/** What an actor refuses is an answer, too. */
async function answers(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof SignalboxError)) throw error;
  }
}

async function act(box: Signalbox, random: Random): Promise<unknown> {
  const draw = (count: number): number => Math.floor(random() * count);
  const key = `${draw(3)}`;
  const amount = 1 + draw(12);
  switch (draw(6)) {
    case 0:
      return box.actor(order, key).start({ id: key, cents: 100 + draw(400) }, { ifExists: 'return' });
    case 1:
      return box
        .actor(order, key)
        .send({ type: (['approve', 'approve', 'again', 'cancel'] as const)[draw(4)] ?? 'approve' });
    case 2:
      return box
        .actor(counter, key)
        .send({ type: 'add', by: amount }, { id: `m${draw(30)}`, start: undefined });
    case 3:
      return box.actor(counter, key).ask({ type: 'add', by: amount });
    case 4:
      return box.queue().put(tell(key, amount, amount > 9));
    default:
      await box.actor(talker, 'a').start({ other: 'b' }, { ifExists: 'return' });
      await box.actor(talker, 'b').start({ other: 'a' }, { ifExists: 'return' });
      return box.actor(talker, 'a').send({ type: 'ball', left: 1 + draw(3) });
  }
}

/** Lets a box go on from an image, until all is over, and audits the whole journal. Equal states are looked at once. */
function goOn(seed: number): (image: Image) => Promise<string | null> {
  const seen = new Map<string, string | null>();
  return async (image) => {
    const { digest } = await readStore(new MemoryFiles(image), storeDir);
    const known = seen.get(digest);
    if (known !== undefined) return known;
    const verdict = await goOnFrom(image, seed);
    seen.set(digest, verdict);
    return verdict;
  };
}

async function goOnFrom(image: Image, seed: number): Promise<string | null> {
  const { test, box, reactor } = await openBox(new MemoryFiles(image), 'after', seed, openedAt + 60_000);
  await reactor.advance(longestLife);
  const audit = new Audit({ boxPrefix: '', oracle: new Oracle(machines) });
  for (const entry of await entriesOf(box)) audit.follow(entry);
  audit.checkRest();
  const actors = (await Promise.all(machines.map(({ name }) => box.store.list('actor', `${name}/`)))).flat();
  const undone = actors.filter(({ machine, status }) => /order|parcel/.test(machine) && status === 'active');
  await test.tearDown();
  const [problem] = [
    // The job that follows a recovery is never put.
    ...audit.problems.filter((what) => /^I(14|2[6-9]|3[0-3]) /.test(what) && !what.includes('job after ')),
    ...undone.map(({ id, state }) => `I28 actor ${id} is in ${state}, and its time has come`),
  ];
  return problem ?? null;
}
