import type { RuntimeContext } from '../commits/runtime-context.ts';

/** How often jobs are counted again of which nothing new is known: a database counts row by row. */
const countIntervalMs = 60_000;

/** Jobs that wait in a queue for a process that knows their definition. */
export interface UnknownJobs {
  readonly queue: string;
  /** Name of the definition. */
  readonly name: string;
  /** How many jobs of it wait, at the last poll. */
  readonly waiting: number;
}

/**
 * The definitions that waiting jobs name and this process does not know. Its claims leave such jobs to a process that knows
 * them: after a rolling deploy, an old host must not fail the jobs of a new one.
 */
export class UnknownDefinitions {
  readonly #context: RuntimeContext;
  /** What claims have met since the last look, by queue. */
  readonly #met = new Map<string, Set<string>>();
  /** `<queue>/<name>` of what was logged. */
  readonly #logged = new Set<string>();
  #found: readonly UnknownJobs[] = [];
  #countedAt = Number.NEGATIVE_INFINITY;

  constructor(context: RuntimeContext) {
    this.#context = context;
  }

  /** What the last poll found. */
  get jobs(): readonly UnknownJobs[] {
    return this.#found;
  }

  /** Notes that a claim met a lane of an unknown definition. Returns false: the claim must not take it. */
  note(queue: string, name: string): false {
    const names = this.#met.get(queue) ?? new Set();
    this.#met.set(queue, names.add(name));
    return false;
  }

  /** Counts the jobs that claims have met since the last look, and logs each definition once. */
  async look(): Promise<void> {
    const { store, log, registry } = this.#context;
    this.#found = this.#found.filter(({ name }) => registry.definition(name) === undefined);
    const known = new Set(this.#found.map(keyOf));
    // What the last count found is counted again: an agent that is full makes no claim.
    const met = [...this.#met].flatMap(([queue, names]) => [...names].map((name) => ({ queue, name })));
    const all = [...this.#found, ...met.filter((jobs) => !known.has(keyOf(jobs)))];
    this.#met.clear();
    const isNew = all.length > this.#found.length;
    if (!isNew && this.#context.now() - this.#countedAt < countIntervalMs) return;
    this.#countedAt = this.#context.now();
    const found: UnknownJobs[] = [];
    for (const { queue, name } of all) {
      const waiting = await store.waitingCount(queue, name);
      if (waiting > 0) found.push({ queue, name, waiting });
    }
    this.#found = found;
    const fresh = found.filter((jobs) => !this.#logged.has(keyOf(jobs)));
    for (const jobs of fresh) this.#logged.add(keyOf(jobs));
    if (fresh.length > 0) log.events('WARNING', () => textOf(fresh));
  }
}

function keyOf({ queue, name }: Pick<UnknownJobs, 'queue' | 'name'>): string {
  return `${queue}/${name}`;
}

function textOf(jobs: readonly UnknownJobs[]): string {
  const list = jobs.map(({ queue, name, waiting }) => `${waiting} of ${name} in queue '${queue}'`).join(', ');
  return `jobs wait for a process that knows their definition: ${list}. Pass it to createSignalbox, or start such a process.`;
}
