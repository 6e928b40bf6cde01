import type { Change } from '../../src/store/store.ts';
import { type Image, MemoryFiles } from '../store/json/memory-files.ts';
import { atOnce, InTurns, type Random, randomFrom } from './conduct.ts';
import { Expectations } from './expectations.ts';
import { openedAt, type Recovered, readStore, storeDir } from './recovered.ts';
import { type Conduct, Session } from './session.ts';
import { emptyDisk, type Trace } from './workload.ts';

const sizes: Readonly<Record<string, number>> = { k: 1, m: 2 };
const keySets = [['k/1'], ['k/1'], ['k/2'], ['m/1'], ['k/1', 'm/1']] as const;

/** More than there are. */
const mostJobs = 1000;

interface Job {
  readonly id: string;
  readonly keys: readonly string[];
  isHeld: boolean;
}

/** Jobs with keys as their records say it, in the order of their puts: nothing of parking. */
class Picture {
  readonly jobs = new Map<string, Job>();

  /** What was found on a disk. */
  static of({ tables }: Pick<Recovered, 'tables'>): Picture {
    const picture = new Picture();
    const jobs = [...tables.all('job')].filter(({ keys, state }) => keys !== null && state !== 'completed');
    for (const { id, keys, state } of jobs.sort((one, other) => one.createdSeq - other.createdSeq))
      picture.jobs.set(id, { id, keys: keys ?? [], isHeld: state === 'assigned' });
    return picture;
  }

  get held(): readonly string[] {
    return [...this.jobs.values()].filter(({ isHeld }) => isHeld).map(({ id }) => id);
  }

  /** What a claim without a limit takes: each job in turn whose keys all have room. They are held from then on. */
  takeAll(): readonly string[] {
    const taken: string[] = [];
    for (const job of this.jobs.values()) {
      if (job.isHeld || !job.keys.every((key) => this.#hasRoom(key))) continue;
      job.isHeld = true;
      taken.push(job.id);
    }
    return taken;
  }

  take(ids: readonly string[]): void {
    for (const id of ids) (this.jobs.get(id) as Job).isHeld = true;
  }

  #hasRoom(key: string): boolean {
    const holders = [...this.jobs.values()].filter(({ isHeld, keys }) => isHeld && keys.includes(key));
    return holders.length < (sizes[key.slice(0, 1)] ?? 0);
  }
}

/** What is done to a store, and to a picture of its jobs. */
class Life {
  readonly picture: Picture;
  readonly #session: Session;

  constructor(session: Session, picture: Picture) {
    this.#session = session;
    this.picture = picture;
  }

  put(keys: readonly string[]): void {
    const id = `job-${this.#session.seq}`;
    const place = { parent: { queue: '' }, line: 'now', beginAfter: 0 };
    const patch = { name: 'work', args: [], keys, ...place } as Change['patch'];
    void this.#session.commit([{ kind: 'job', id, event: 'job.put', from: 'new', to: 'pending', patch }]);
    this.picture.jobs.set(id, { id, keys, isHeld: false });
  }

  /** Ends a job: its keys are free. */
  end(id: string): void {
    const ended = { parent: { left: '' }, line: null, ending: 'succeeded', activeEnd: openedAt } as const;
    const patch = { ...ended, quotas: [] } as Change['patch'];
    const states = { from: 'assigned', to: 'completed' };
    void this.#session.commit([{ kind: 'job', id, event: 'job.finish', ...states, patch }]);
    this.picture.jobs.delete(id);
  }

  /** Claims up to so many jobs, however often it has to look. */
  async claim(limit: number): Promise<readonly string[]> {
    const taken: string[] = [];
    for (let isMore = true; isMore && taken.length < limit; ) {
      const claimed = await this.#session.claim(limit - taken.length);
      taken.push(...claimed.ids);
      isMore = claimed.isMore;
    }
    return taken;
  }
}

/**
 * A life of a store whose jobs have keys, the same for the same seed: they are put, claimed, parked and ended beside syncs and
 * checkpoints; the store is closed, opened again, and left in the middle of its work.
 */
export async function runParking(seed: number, commits: number): Promise<Trace> {
  const random = randomFrom(seed);
  const files = new MemoryFiles(emptyDisk);
  const conduct = new InTurns(files, random);
  const expectations = Expectations.from(await readStore(new MemoryFiles(emptyDisk), storeDir));

  const first = await openSession(files, expectations, conduct, 'first-');
  await conduct.until(first.commit(Object.entries(sizes).map(limitOf)));
  await live(new Life(first, Picture.of(expectations)), conduct, random, 2 * commits);
  await first.close();
  const second = await openSession(files, expectations, conduct, 'second-');
  await live(new Life(second, Picture.of(expectations)), conduct, random, commits);

  const [surprise] = [...first.surprises, ...second.surprises];
  if (surprise !== undefined) throw surprise;
  return { start: emptyDisk, operations: files.operations, expectations, check: workOff };
}

function openSession(
  files: MemoryFiles,
  expectations: Expectations,
  conduct: Conduct,
  ids: string,
): Promise<Session> {
  return Session.open(files, expectations, conduct, { ids, checkpointMinBytes: 1_500, historyMaxBytes: 0 });
}

function limitOf([name, size]: readonly [string, number]): Change {
  const patch = { size, keyed: true };
  return { kind: 'quota', id: `/${name}`, event: 'quota.created', from: null, to: null, patch };
}

async function live(life: Life, conduct: InTurns, random: Random, commits: number): Promise<void> {
  const draw = (count: number): number => Math.floor(random() * count);
  for (let made = 0; made < commits; ) {
    if (random() < 0.5) {
      await conduct.turn();
      continue;
    }
    made += 1;
    const what = random();
    const { held } = life.picture;
    if (what < 0.4) life.put(keySets[draw(keySets.length)] ?? []);
    else if (what < 0.7 || held.length === 0) life.picture.take(await life.claim(1 + draw(3)));
    else life.end(held[draw(held.length)] as string);
  }
}

/** Works a store off as an opening finds it: each claim takes exactly what the records allow. Returns what is wrong. */
async function workOff(image: Image): Promise<string | null> {
  const found = await readStore(new MemoryFiles(image), storeDir);
  const files = new MemoryFiles(image);
  const session = await openSession(files, Expectations.from(found), atOnce(files), 'off-');
  const life = new Life(session, Picture.of(found));
  for (;;) {
    const taken = await life.claim(mostJobs);
    const expected = life.picture.takeAll();
    if (String(taken) !== String(expected))
      return `I20, I22: a claim takes [${taken}], and by the records it takes [${expected}]`;
    const [first] = life.picture.held;
    if (first === undefined) return null;
    life.end(first);
  }
}
