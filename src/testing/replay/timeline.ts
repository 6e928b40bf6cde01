import type { SnapshotFrom } from 'xstate';
import type { JobRecord } from '../../index.ts';
import {
  type DurableLogic,
  Failure,
  type HistoryEntry,
  type JobStatus,
  type MachineDefinition,
  type OpenStore,
  type Past,
  SignalboxError,
  type StoreReader,
} from '../../index.ts';
import { snapshotOf } from '../../model/durable/thaw.ts';
import { statusOfState } from '../../model/jobs/step.ts';
import { decodeValue } from '../../model/values/values.ts';
import { recordAt } from '../../reading/record-at.ts';
import { readStore } from '../../store/json/index.ts';
import { invalid } from '../check-options.ts';
import { JobStandIn } from '../simulate/oracle/events.ts';

/** A job as it was. */
export interface JobThen {
  readonly id: string;
  readonly name: string;
  readonly status: JobStatus;
  /** As its arguments were given; another job is `{ id }`. */
  readonly args: readonly unknown[];
  readonly attempts: number;
  readonly ending: JobRecord['ending'];
  /** Its result; undefined: it had none. */
  readonly value: unknown;
  readonly failure: Failure | null;
  readonly record: JobRecord;
}

/** A queue as it was. */
export interface QueueThen {
  /** Ids of the jobs that waited, in the order in which they would have been offered. */
  readonly waiting: readonly string[];
  /** Ids of the jobs that agents held. */
  readonly held: readonly string[];
}

/** A store right after one of its entries. */
export interface Moment {
  /** The actor of a machine, as XState has it. @throws SignalboxError `ACTOR_NOT_FOUND`, `HISTORY_CUT`. */
  actor<L extends DurableLogic>(machine: MachineDefinition<L>, key: string): Promise<SnapshotFrom<L>>;
  /** @throws SignalboxError `JOB_NOT_FOUND`, `HISTORY_CUT`. */
  job(id: string): Promise<JobThen>;
  /** @throws SignalboxError `HISTORY_CUT`; `PAST_UNAVAILABLE` on a store that keeps the past of single records alone. */
  queue(name?: string): Promise<QueueThen>;
}

/** The past of a store. */
export interface Timeline {
  /** Right after an entry, by its seq, or at an instant. What it gives is read when it is asked for. */
  at(moment: number | Date): Moment;
  /** The entries of an actor (`order/17`), or of a job, oldest first, as far back as history is kept. */
  steps(of: { readonly actor: string } | { readonly job: string }): AsyncIterable<HistoryEntry>;
}

type Source = StoreReader & Partial<Pick<OpenStore, 'past'>> & Partial<Pick<Past, 'fork'>>;

/**
 * The past of a store: of `box.store`, of what `readStore` gives, or of the directory of a json store. Records are folded from the
 * patches of the journal; no chart runs, and nothing is written.
 *
 * @example
 * ```ts
 * import { createSignalbox, defineMachine, memoryStore } from 'signalbox';
 * import { timeline } from 'signalbox/testing';
 * import { setup } from 'xstate';
 *
 * const door = defineMachine(
 *   setup({}).createMachine({
 *     id: 'door',
 *     version: '1',
 *     initial: 'shut',
 *     states: { shut: { on: { open: 'ajar' } }, ajar: {} },
 *   }),
 * );
 * const box = await createSignalbox({ store: memoryStore(), machines: [door] });
 * await box.start();
 * const front = await box.actor(door, 'front').start();
 * await front.ask({ type: 'open' });
 *
 * const past = await timeline(box.store);
 * const states: unknown[] = [];
 * for await (const { seq } of past.steps({ actor: 'door/front' }))
 *   states.push((await past.at(seq).actor(door, 'front')).value);
 * console.log(states); // => [ 'shut', 'ajar' ]
 * await box.stop();
 * ```
 *
 * @throws SignalboxError `INVALID_OPTION`; `STORE_…` for what is no store.
 */
export async function timeline(store: string | StoreReader): Promise<Timeline> {
  const source: Source = typeof store === 'string' ? await readStore(store) : store;
  if (typeof source?.history !== 'function')
    throw invalid('store', 'an open store, or the directory of a json store', String(store));
  const past = typeof source.fork === 'function' ? await source.fork() : await (source.past?.() ?? null);
  const pasts = new Pasts(source, past);
  return {
    at: (moment) => {
      const at: unknown = moment instanceof Date ? moment.getTime() : moment;
      if (typeof at !== 'number' || Number.isNaN(at))
        throw invalid('moment', 'the seq of an entry, or a Date', String(moment));
      return new PastMoment(pasts, moment);
    },
    steps: (of) => {
      const { actor, job }: { readonly actor?: string; readonly job?: string } = Object(of);
      const id: unknown = actor ?? job;
      if (typeof id !== 'string') throw invalid('of', '{ actor: id } or { job: id }', JSON.stringify(of));
      return stepsOf(source, actor === undefined ? 'job' : 'actor', id);
    },
  };
}

async function* stepsOf(source: Source, kind: 'actor' | 'job', id: string): AsyncGenerator<HistoryEntry> {
  const entries: HistoryEntry[] = [];
  for await (const entry of source.history(kind, id)) entries.push(entry);
  yield* entries.reverse();
}

/** One past, which is at one moment at a time. */
class Pasts {
  readonly source: Source;
  readonly #past: Past | null;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(source: Source, past: Past | null) {
    this.source = source;
    this.#past = past;
  }

  /** @throws SignalboxError `HISTORY_CUT` for an instant before all that is kept. */
  async #seqAt(moment: Date): Promise<number> {
    const seq = await this.source.seqAt(moment.getTime());
    const from = this.source.oldestSeq();
    if (seq > 0 && seq < from) throw new SignalboxError('HISTORY_CUT', { seq, from });
    return seq;
  }

  /** Reads at a moment. `without`: how it is read from a store that has no past. */
  read<Result>(
    moment: number | Date,
    read: (past: StoreReader) => Promise<Result>,
    without: (seq: number) => Promise<Result>,
  ): Promise<Result> {
    const result = this.#turn.then(async () => {
      const seq = typeof moment === 'number' ? moment : await this.#seqAt(moment);
      if (this.#past === null) return without(seq);
      await this.#past.moveTo(seq);
      return read(this.#past);
    });
    this.#turn = result.catch(() => {});
    return result;
  }
}

class PastMoment implements Moment {
  readonly #pasts: Pasts;
  readonly #moment: number | Date;

  constructor(pasts: Pasts, moment: number | Date) {
    this.#pasts = pasts;
    this.#moment = moment;
  }

  async actor<L extends DurableLogic>(
    { prepared }: MachineDefinition<L>,
    key: string,
  ): Promise<SnapshotFrom<L>> {
    if (prepared === undefined) throw invalid('machine', 'what defineMachine returns', 'something else');
    const id = `${prepared.name}/${key}`;
    const record = await this.#record('actor', id);
    if (record === undefined) throw new SignalboxError('ACTOR_NOT_FOUND', { id });
    const machine = prepared.previous.find(({ version }) => version === record.version) ?? prepared;
    return snapshotOf(machine, record, (job) => new JobStandIn(job)) as SnapshotFrom<L>;
  }

  async job(id: string): Promise<JobThen> {
    const record = await this.#record('job', id);
    if (record === undefined) throw new SignalboxError('JOB_NOT_FOUND', { id });
    const { name, state, args, attempts, ending, outcome } = record;
    const given = (value: (typeof args)[number]): unknown => decodeValue(value, (job) => ({ id: job }));
    return {
      ...{ id, name, attempts, ending, record, status: statusOfState(state), args: args.map(given) },
      value: outcome?.ok === true ? given(outcome.value) : undefined,
      failure: outcome === null || outcome.ok ? null : new Failure(outcome.failure),
    };
  }

  #record<K extends 'actor' | 'job'>(kind: K, id: string) {
    return this.#pasts.read(
      this.#moment,
      (past) => past.get(kind, id),
      async (seq) => (await recordAt(this.#pasts.source, kind, id, seq))?.record,
    );
  }

  queue(name = ''): Promise<QueueThen> {
    return this.#pasts.read(
      this.#moment,
      async (past) => {
        const holders = (await past.list('representation', `${name}/`)).map(({ dispatcher }) => dispatcher);
        const held: string[] = [];
        for (const dispatcher of new Set(holders))
          held.push(...(await past.held(name, dispatcher, null)).map(({ id }) => id));
        return { waiting: (await past.waiting(name)).map(({ id }) => id), held };
      },
      async () => {
        const repair =
          'Ask for a job or an actor; the whole of an earlier moment is kept by json and memory stores.';
        throw new SignalboxError('PAST_UNAVAILABLE', {
          found: 'one that keeps the past of single records',
          repair,
        });
      },
    );
  }
}
