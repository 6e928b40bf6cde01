import type { RuntimeContext } from '../commits/runtime-context.ts';

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
    // What the last look found is counted again: an agent that is full asks no claim.
    for (const { queue, name } of this.#found) this.note(queue, name);
    const met = [...this.#met];
    this.#met.clear();
    const found: UnknownJobs[] = [];
    for (const [queue, names] of met) {
      for (const name of names) {
        if (registry.definition(name) !== undefined) continue;
        const waiting = await store.waitingCount(queue, name);
        if (waiting > 0) found.push({ queue, name, waiting });
      }
    }
    this.#found = found;
    const fresh = found.filter(({ queue, name }) => !this.#logged.has(`${queue}/${name}`));
    for (const { queue, name } of fresh) this.#logged.add(`${queue}/${name}`);
    if (fresh.length > 0) log.events('WARNING', () => textOf(fresh));
  }
}

function textOf(jobs: readonly UnknownJobs[]): string {
  const list = jobs.map(({ queue, name, waiting }) => `${waiting} of ${name} in queue '${queue}'`).join(', ');
  return `jobs wait for a process that knows their definition: ${list}. Pass it to createSignalbox, or start such a process.`;
}
