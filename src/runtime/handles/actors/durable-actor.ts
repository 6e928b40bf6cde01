import type { EmittedFrom, InputFrom, OutputFrom, SnapshotFrom } from 'xstate';
import { invalidOption, SignalboxError, TimeoutError } from '../../../errors.ts';
import { checkKnown } from '../../../model/checks/check-options.ts';
import { checkReason } from '../../../model/checks/names.ts';
import type { DurableLogic } from '../../../model/durable/machine.ts';
import type { ActorRecord } from '../../../model/records/records.ts';
import { Failure } from '../../../model/values/failure.ts';
import { decodeValue } from '../../../model/values/values.ts';
import type { HistoryEntry } from '../../../store/entry.ts';
import { type Duration, durationMs, durationText } from '../../../time.ts';
import type { IfExists, Receipt } from '../../actors/actor-items.ts';
import { actorKey } from '../../commits/job-watch.ts';
import type { UnitOfWork } from '../../commits/unit-of-work.ts';
import type { MachineLike } from '../../definitions/machines.ts';
import { Inspectable } from '../../environment/inspectable.ts';
import type { Job } from '../job.ts';
import type { ExternalEvent, StartInput } from '../machines/define-machine.ts';
import { servicesOf } from '../services.ts';
import {
  type ActorAt,
  type AskOptions,
  ask,
  checkEvent,
  checkSchemas,
  command,
  recordOf,
  resolverOf,
  type SendOptions,
  send,
  thawed,
} from './actor-commands.ts';
import { askJobOf } from './ask-job.ts';
import type { PlainSnapshot } from './plain-snapshot.ts';

/** Options of `start`. */
export interface StartActorOptions {
  /** What to do with an actor that is there: refuse the call (default), return it as it is, or begin anew when it has ended. */
  readonly ifExists?: IfExists;
}

/** A reference to an actor in the shape that XState's tools know. */
export interface DurableActorRef<L extends DurableLogic> {
  readonly id: string;
  readonly sessionId: string;
  /** The snapshot as last seen. */
  getSnapshot(): SnapshotFrom<L>;
  subscribe(observer: (now: SnapshotFrom<L>) => void): { unsubscribe(): void };
  send(event: ExternalEvent<L>): Promise<Receipt>;
}

/** How long a call waits. */
export interface ActorWaitOptions {
  /** Default: no limit. */
  readonly timeout?: Duration;
}

/** The arguments of `start`: the input is left out where the machine takes none. */
export type StartArguments<L extends DurableLogic> = [...StartInput<L>, options?: StartActorOptions];

/**
 * A handle on a durable actor: a machine of yours whose state is a record. It keeps nothing itself; the actor need not be there yet.
 * Made by `box.actor(machine, key)`, in a transaction by `tx.actor`, in a job by `local.actor`.
 *
 * @example
 * ```ts
 * import { createSignalbox, defineMachine, memoryStore } from 'signalbox';
 * import { setup } from 'xstate';
 *
 * const door = defineMachine(
 *   setup({ types: { events: {} as { type: 'open' } | { type: 'close' } } }).createMachine({
 *     id: 'door',
 *     version: '1',
 *     initial: 'closed',
 *     states: { closed: { on: { open: { target: 'opened' } } }, opened: { on: { close: { target: 'closed' } } } },
 *   }),
 * );
 * const box = await createSignalbox({ store: memoryStore(), machines: [door] });
 * const front = await box.actor(door, 'front').start();
 * await front.send({ type: 'open' });
 * console.log((await front.snapshot()).value); // => opened
 * await box.stop();
 * ```
 */
export class DurableActor<L extends DurableLogic = DurableLogic> extends Inspectable {
  readonly #at: ActorAt;

  /** Use `box.actor`. */
  constructor(work: UnitOfWork, id: string, machine: MachineLike | null) {
    super();
    this.#at = { work, id, machine };
  }

  /** `<machine>/<key>`; of a child `<id of its parent>/<child>`. */
  get id(): string {
    return this.#at.id;
  }

  toJSON(): { readonly id: string } {
    return { id: this.id };
  }

  /**
   * Starts the actor. Resolves when that is on disk.
   * @throws SignalboxError `ACTOR_EXISTS`, `STEP_FAILED`, `UNKNOWN_MACHINE`, `ARGS_…`.
   */
  async start(...given: StartArguments<L>): Promise<this> {
    const [input, options = {}] = given as unknown as readonly [InputFrom<L>?, StartActorOptions?];
    checkKnown(options, ['ifExists']);
    const { ifExists = 'refuse' } = options;
    if (!['refuse', 'return', 'restart'].includes(ifExists))
      throw invalidOption('ifExists', "'refuse', 'return' or 'restart'", ifExists);
    const item = { kind: 'start', input, ifExists } as const;
    await checkSchemas(this.#at, item);
    await command(this.#at, item);
    return this;
  }

  /**
   * Sends an event. Resolves when it is on disk: taken by the machine, or in the mailbox, which the receipt says. In a job or a
   * transaction it is committed with that.
   *
   * @throws SignalboxError `ACTOR_NOT_FOUND`, `ACTOR_FINISHED`, `MAILBOX_FULL`, `STEP_FAILED`, `EVENT_RESERVED`.
   */
  send(event: ExternalEvent<L>, options: SendOptions<InputFrom<L>> = {}): Promise<Receipt> {
    checkKnown(options, ['id', 'start', 'client']);
    return send(this.#at, event, options);
  }

  /**
   * Sends an event and resolves with the snapshot after it, when that is on disk. In a job or a transaction the step is part of its
   * commit.
   *
   * @throws EventRefusedError when nothing takes it; TimeoutError, after which the step may still be made; SignalboxError
   * `ACTOR_SUSPENDED`, and what `send` throws.
   */
  async ask(event: ExternalEvent<L>, options: AskOptions = {}): Promise<SnapshotFrom<L>> {
    checkKnown(options, ['id', 'timeout']);
    return this.#thawed(await ask(this.#at, event, options));
  }

  /** A job that asks the actor: its result is the snapshot, and the step and the result are one commit. */
  job(event: ExternalEvent<L>): Job<PlainSnapshot<L>> {
    return askJobOf(this.#at, checkEvent(event)) as Job<PlainSnapshot<L>>;
  }

  /** The snapshot as XState has it: with `matches`, `hasTag`, `can`, `getMeta`. @throws SignalboxError `ACTOR_NOT_FOUND`. */
  async snapshot(): Promise<SnapshotFrom<L>> {
    return this.#thawed(await recordOf(this.#at));
  }

  /**
   * What the machine gave when it was done.
   * @throws TimeoutError; the error of an actor that has failed; SignalboxError `ACTOR_FINISHED` for one that was stopped.
   */
  async output(options: ActorWaitOptions = {}): Promise<OutputFrom<L>> {
    const record = await this.#until(
      ({ status }) => status !== 'active' && status !== 'suspended',
      options,
      'to end',
    );
    const { id, status } = record;
    if (status === 'failed' && record.failure !== null) throw new Failure(record.failure).toError();
    if (status !== 'done') throw new SignalboxError('ACTOR_FINISHED', { id, status });
    return decodeValue(record.output, resolverOf(this.#at)) as OutputFrom<L>;
  }

  /** Resolves with the first snapshot from now on for which the condition holds. @throws TimeoutError. */
  async waitFor(
    condition: (now: SnapshotFrom<L>) => boolean,
    options: ActorWaitOptions = {},
  ): Promise<SnapshotFrom<L>> {
    let found: SnapshotFrom<L> | undefined;
    await this.#until(
      (record) => {
        const now = this.#thawed(record);
        if (!condition(now)) return false;
        found = now;
        return true;
      },
      options,
      'to meet the condition',
    );
    return found as SnapshotFrom<L>;
  }

  /** Calls the observer with every snapshot from now on, in any process of the store. Fed by the journal. */
  subscribe(observer: (now: SnapshotFrom<L>) => void): { unsubscribe(): void } {
    const { work, id } = this.#at;
    const { watch } = servicesOf(work.context);
    let last = 0;
    let isOver = false;
    const unsubscribe = watch.subscribe(actorKey(id), () => {
      recordOf(this.#at).then(
        (record) => {
          if (isOver || record.rev <= last) return;
          last = record.rev;
          observer(this.#thawed(record));
        },
        () => {},
      );
    });
    return {
      unsubscribe: () => {
        isOver = true;
        unsubscribe();
      },
    };
  }

  /** Calls the listener with what the machine emits, in steps of this process. At most once: what a crash loses is not repeated. */
  on<Type extends EmittedFrom<L>['type'] | '*'>(
    type: Type,
    listener: (event: Type extends '*' ? EmittedFrom<L> : Extract<EmittedFrom<L>, { type: Type }>) => void,
  ): { unsubscribe(): void } {
    const { emitted } = servicesOf(this.#at.work.context).actors;
    return { unsubscribe: emitted.on(this.id, type, listener as never) };
  }

  /** Its entries, oldest first, as far back as history is kept. */
  async *history(): AsyncIterable<HistoryEntry> {
    const entries: HistoryEntry[] = [];
    for await (const entry of this.#at.work.context.store.history('actor', this.id)) entries.push(entry);
    yield* entries.reverse();
  }

  /** Ends it, and its children. What waits in its mailbox is dead. @throws SignalboxError `ACTOR_NOT_FOUND`. */
  async stop(): Promise<void> {
    await command(this.#at, { kind: 'stop', reason: '' });
  }

  /** Lets its mail and timers wait until it is resumed. @throws SignalboxError `ACTOR_NOT_FOUND`, `ACTOR_FINISHED`. */
  async suspend(reason: string): Promise<void> {
    await command(this.#at, { kind: 'suspend', reason: checkReason(reason) });
  }

  /** Goes on after a suspension: the step that threw is made again. @throws SignalboxError `ACTOR_NOT_FOUND`, `BAD_STATUS`. */
  async resume(): Promise<void> {
    await command(this.#at, { kind: 'resume', reason: '' });
  }

  /**
   * Goes on after a suspension without what threw: that message is dead, that timer is dropped.
   * @throws SignalboxError `ACTOR_NOT_FOUND`, `BAD_STATUS` when it is not suspended.
   */
  async skip(): Promise<void> {
    await command(this.#at, { kind: 'skip', reason: '' });
  }

  #thawed(record: ActorRecord): SnapshotFrom<L> {
    return thawed(this.#at, record) as SnapshotFrom<L>;
  }

  async #until(
    isReached: (record: ActorRecord) => boolean,
    options: ActorWaitOptions,
    what: string,
  ): Promise<ActorRecord> {
    checkKnown(options, ['timeout']);
    const limit = options.timeout === undefined ? null : durationMs(options.timeout, 'timeout');
    const { work, id } = this.#at;
    const look = async (): Promise<ActorRecord | null> => {
      const record = await recordOf(this.#at);
      return isReached(record) ? record : null;
    };
    const found = await servicesOf(work.context).watch.untilFound(actorKey(id), look, limit);
    if (found !== null) return found;
    throw new TimeoutError({ what: `actor ${id} ${what}`, limit: durationText(limit ?? 0) });
  }

  /** A reference in the shape that XState's tools know. Fed by the journal. */
  async actorRef(): Promise<DurableActorRef<L>> {
    let last = await this.snapshot();
    return {
      id: this.id,
      sessionId: this.id,
      getSnapshot: () => last,
      subscribe: (observer) =>
        this.subscribe((now) => {
          last = now;
          observer(now);
        }),
      send: (event) => this.send(event),
    };
  }
}
