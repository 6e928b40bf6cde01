import {
  BadStatusError,
  defineJob,
  type Failure,
  type HistoryEntry,
  type Job,
  type JobDefinition,
  type JobRecord,
  type JobSettings,
  local,
  memoryStore,
  type RetryAnswer,
  type RetryPolicy,
} from '../../index.ts';
import { createTestBox, type TestBox, type TestBoxOptions } from '../create-test-box.ts';
import { VirtualReactor } from '../virtual-reactor.ts';

/** How an attempt ends, in a story. */
export type AttemptEnd =
  | { readonly is: 'returns' }
  | { readonly is: 'throws'; readonly failure: Failure; readonly again: AgainAt }
  | { readonly is: 'snoozes'; readonly until: number; readonly reason: string | null }
  | { readonly is: 'stops' }
  | { readonly is: 'killed'; readonly again: AgainAt }
  | { readonly is: 'hands on' };

/** When it is made again: an instant; null: never. */
export type AgainAt = 'at once' | number | null;

/** What is done in a story. `at`: an instant. */
export type JobAct = { readonly at: number } & (
  | { readonly is: 'claim' }
  | { readonly is: 'ends'; readonly end: AttemptEnd }
  | { readonly is: 'cancel'; readonly reason: string | null }
  | { readonly is: 'fail'; readonly failure: Failure }
);

/** An attempt that was begun. */
interface Attempt {
  /** What ends it; undefined: the story goes no further. */
  readonly act: Extract<JobAct, { readonly is: 'ends' }> | undefined;
  end(): void;
}

/** How a job is led. */
export interface JobLeading {
  readonly at: number;
  readonly args: readonly unknown[];
  readonly settings: JobSettings;
  readonly acts: readonly JobAct[];
  readonly until: number;
  readonly jobs: NonNullable<TestBoxOptions['jobs']>;
  readonly machines: NonNullable<TestBoxOptions['machines']>;
  readonly retryPolicies: { readonly [name: string]: RetryPolicy };
}

/** Leads one job through a story: the real runtime on a memory store in virtual time, with the attempts forced to end as they did. */
export class JobRun {
  /** The acts that could not be done, by their places, each with the state of the job then. */
  readonly refused: { readonly act: number; readonly at: number; readonly state: string }[] = [];
  readonly #leading: JobLeading;
  readonly #reactor: VirtualReactor;
  readonly #definition: JobDefinition<never, unknown>;
  /** How many acts were begun. */
  #begun = 0;
  /** The attempt that was begun last: its end is the next one of the story. */
  #attempt: Attempt | null = null;
  /** The code of the attempt under way. */
  #code: Promise<unknown> = Promise.resolve();
  #test!: TestBox;
  #job!: Job<unknown>;

  constructor(definition: JobDefinition<never, unknown>, leading: JobLeading) {
    this.#leading = leading;
    this.#reactor = new VirtualReactor({ now: leading.at });
    this.#definition = this.#forced(definition);
  }

  /** The entries of the job, oldest first. */
  async lead(): Promise<readonly HistoryEntry[]> {
    const { acts, args, settings, until, jobs, machines, retryPolicies } = this.#leading;
    const { definition } = this.#definition;
    this.#test = await createTestBox({
      reactor: this.#reactor,
      store: memoryStore(),
      jobs: [this.#definition, ...jobs],
      machines,
      retryPolicies,
      log: null,
    });
    try {
      const queue = this.#test.box.queue();
      for (const quota of definition.quotas) await queue.quotas.create(quota, { size: 1 });
      await this.#hold();
      const make = this.#definition as unknown as (...given: readonly unknown[]) => Job<unknown>;
      this.#job = await queue.put(make(...args) as never, this.#known(settings) as never);
      for (const [index, act] of acts.entries()) await this.#try(index, act);
      await this.#reactor.advance(Math.max(0, until - this.#reactor.now()));
      const entries: HistoryEntry[] = [];
      for await (const entry of this.#test.box.store.history('job', this.#id)) entries.push(entry);
      return entries.reverse();
    } finally {
      // Code that hangs would keep a tear-down waiting.
      await this.#test.crash();
    }
  }

  /** A policy that is not known here decides as it did then. */
  #known(settings: JobSettings): JobSettings {
    const { retryPolicy } = settings;
    const isUnknown = typeof retryPolicy === 'string' && !this.#hasPolicy(retryPolicy);
    return isUnknown ? { ...settings, retryPolicy: this.#asTold } : settings;
  }

  #hasPolicy(name: string): boolean {
    return Object.hasOwn(this.#leading.retryPolicies, name);
  }

  get #id(): string {
    return this.#job.id ?? '';
  }

  #hold(): Promise<void> {
    return this.#test.box.queue().pause({ job: this.#definition.definition.name });
  }

  /** Does what can be done. An act that leaves the job as it was is refused; so is the end of an attempt that is not under way. */
  async #try(index: number, act: JobAct): Promise<void> {
    await this.#reactor.advance(Math.max(0, act.at - this.#reactor.now()));
    const before = await this.#record();
    this.#begun = index + 1;
    if (act.is !== 'ends' || (before.state.startsWith('active') && this.#attempt?.act === act)) {
      await this.#perform(act);
      if (act.is === 'ends' || (await this.#record()).rev > before.rev) return;
    }
    this.refused.push({ act: index, at: act.at, state: before.state });
  }

  async #record(): Promise<JobRecord> {
    return (await this.#test.box.store.get('job', this.#id)) as JobRecord;
  }

  async #perform(act: JobAct): Promise<void> {
    const { box } = this.#test;
    switch (act.is) {
      case 'claim':
        await box.queue().resume({ job: this.#definition.definition.name });
        await this.#reactor.runUntilIdle();
        return this.#hold();
      case 'cancel':
        await box.job(this.#id).cancel(act.reason === null ? {} : { reason: act.reason });
        break;
      case 'fail':
        await box.job(this.#id).fail(act.failure.toError()).catch(unlessRefused);
        break;
      default:
        await this.#end(act.end);
    }
    await this.#reactor.runUntilIdle();
  }

  async #end(end: AttemptEnd): Promise<void> {
    if (end.is === 'killed') {
      await this.#test.crash();
      this.#test = await this.#test.reopen();
      return;
    }
    this.#attempt?.end();
    // Code that takes longer than it did is waited for; code that hangs shows in the states.
    if (end.is === 'returns') await this.#reactor.until(this.#code.then(nothing, nothing)).catch(nothing);
    if (end.is !== 'hands on') return;
    await this.#reactor.until(this.#test.box.stop({ abort: '1s' }));
    this.#test = await this.#test.reopen();
  }

  /** The definition with its own code and policy, but for the attempts that are forced to end otherwise. */
  #forced(original: JobDefinition<never, unknown>): JobDefinition<never, unknown> {
    const { name, failureLogLevel, quotas, priority, setUp, tearDown, context, retry, ...given } =
      original.definition;
    const { timeout, heartbeat, deadline, grace } = given;
    const limits = Object.entries({
      timeout,
      heartbeat,
      deadline,
      grace,
      failureLogLevel,
      setUp,
      tearDown,
      context,
    });
    const run = given.run as unknown as (...args: readonly unknown[]) => unknown;
    const isKnown = typeof retry !== 'string' || this.#hasPolicy(retry);
    return defineJob({
      ...{ name, quotas, priority },
      ...Object.fromEntries(limits.filter(([, value]) => value !== null)),
      retry: retry !== null && isKnown ? retry : this.#asTold,
      run: (...args: readonly unknown[]) => this.#call(() => run(...args)),
    } as never) as unknown as JobDefinition<never, unknown>;
  }

  async #call(code: () => unknown): Promise<unknown> {
    const act = this.#leading.acts.slice(this.#begun).find((each) => each.is === 'ends');
    let endNow = nothing;
    const ended = new Promise<void>((resolve) => {
      endNow = resolve;
    });
    this.#attempt = { act, end: endNow };
    const end = act?.end;
    // What it does counts for nothing, and may have been done.
    if (end?.is === 'killed')
      await Promise.resolve()
        .then(code)
        .catch(() => {});
    if (end === undefined || end.is === 'killed') return new Promise(() => {});
    if (end.is === 'returns') {
      this.#code = Promise.resolve().then(code);
      this.#code.catch(nothing);
    }
    await ended;
    switch (end.is) {
      case 'returns':
        return this.#code;
      case 'throws':
        throw end.failure.toError();
      case 'snoozes':
        return local.snooze(end.until, end.reason ?? undefined);
      default:
        return stopped(local.signal);
    }
  }

  /** Decides as it was decided then. */
  readonly #asTold: RetryPolicy = {
    name: 'asItWas',
    jobError: () => this.#again(),
    commitError: () => true,
    interrupted: (data) => ({ answer: this.#again(), data }),
  };

  #again(): RetryAnswer {
    const end = this.#attempt?.act?.end;
    const again = end !== undefined && 'again' in end ? end.again : null;
    if (again === 'at once') return true;
    return again === null ? false : new Date(again);
  }
}

const nothing = (): void => {};

function unlessRefused(error: unknown): void {
  if (!(error instanceof BadStatusError)) throw error;
}

/** Throws when code is asked to stop. */
async function stopped(signal: AbortSignal): Promise<never> {
  if (!signal.aborted)
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  throw signal.reason;
}
