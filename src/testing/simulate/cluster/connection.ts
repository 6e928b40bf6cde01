import { decorateStore, type OpenStore, SignalboxError } from '../../../index.ts';
import { lostConnection } from '../world/faults.ts';
import type { Opened } from '../world/host.ts';
import type { SeededRandom } from '../world/random.ts';
import type { Lane, Scheduler } from '../world/scheduler.ts';
import { type ConnectionFaults, type Delay, nameOf, noDelay, type StoreCall } from './connection-faults.ts';

type Commit = Parameters<OpenStore['commit']>[0];
type Ticket = ReturnType<OpenStore['commit']>;
type Request = Parameters<OpenStore['claim']>[0];
type Claimed = Awaited<ReturnType<OpenStore['claim']>>;
type Lines = Parameters<Parameters<OpenStore['follow']>[0]>[0];

/** What a connection works with. */
export interface ConnectionDeps extends Opened {
  readonly scheduler: Scheduler;
  /** The process at this end. */
  readonly lane: Lane;
  /** What lies between: requests under way arrive, also when the process that sent them is killed. */
  readonly network: Lane;
  readonly random: SeededRandom;
  /** Whether this process may treat every earlier opening as dead. */
  readonly isFirst: boolean;
  /** Called with each fault. */
  readonly onFault: (what: string) => void;
  /** Called when the connection can no longer be used. */
  readonly onFailure: () => void;
}

const nothing = async (): Promise<void> => {};

const aRead: StoreCall = { kind: 'read', changes: [] };

/**
 * The store as one process of several reaches it: the same records for all, and a connection between them
 * that is slow, breaks and loses answers. What a paused process asked for is carried out; the process
 * receives the answer when it continues. A commit whose answer is lost has an unknown outcome: the connection
 * has failed then, as a store does that could not sync.
 */
export class Connection {
  /** The store at this end. */
  readonly store: OpenStore;
  /** Null: nothing goes wrong, and answers come at once. */
  faults: ConnectionFaults | null = null;
  isDown = false;
  readonly #parts: ConnectionDeps;
  readonly #store: OpenStore;
  readonly #unfollows: (() => void)[] = [];
  /** Requests and answers that arrive later: each arrives once. */
  readonly #underWay = new Set<() => void>();
  /** What happens with the next start of a job, and how late its answer is. */
  #heldUp: { readonly ms: number; readonly begins: () => void } | null = null;
  readonly #failureListeners: ((error: Error) => void)[] = [];
  #failure: SignalboxError | null = null;
  #isClosed = false;

  constructor(parts: ConnectionDeps) {
    const { store, lane } = parts;
    this.#parts = parts;
    this.#store = store;
    this.store = decorateStore(store, {
      exclusive: parts.isFirst && store.exclusive,
      isVolatile: true,
      directory: null,
      transaction: null,
      // Of this end alone.
      poolSize: store.poolSize,
      read: (call) => this.#ask(call),
      commit: (commit) => this.#commit(commit),
      claim: (request) => this.#claim(request),
      follow: (listener) => this.#follow(listener),
      onHint: (listener) => store.onHint((hint) => lane.turn(() => listener(hint))),
      onFailure: (listener) => {
        this.#failureListeners.push(listener);
        store.onFailure((error) => lane.turn(() => listener(error)));
      },
      close: () => this.#close(),
    });
  }

  /** Whether it can no longer be used. */
  get hasFailed(): boolean {
    return this.#failure !== null;
  }

  /** Lets the answer to the next start of a job come late. `begins` is called as the store makes it. */
  holdUp(ms: number, begins: () => void): void {
    this.#heldUp = { ms, begins };
  }

  /** Ends all faults, and lets the requests and answers arrive that are under way. */
  heal(): void {
    this.faults = null;
    this.isDown = false;
    this.#heldUp = null;
    for (const arrive of [...this.#underWay]) arrive();
  }

  #commit(commit: Commit): Ticket {
    const call: StoreCall = { kind: 'commit', changes: commit.changes };
    const refused = this.#refused(call);
    if (refused !== null) return refusedTicket(this.#late(() => Promise.reject(refused)));
    const delay = this.#delay(call);
    const isStart = commit.changes.some(({ event }) => event === 'job.start');
    const heldUpMs = isStart ? this.#takeHoldUp() : 0;
    const isLost = this.faults?.losesAnswer(call) ?? false;
    const ticket = this.#sent(delay.there, async () => this.#store.commit(commit));
    ticket
      .then(({ written }) => written)
      .then(() => this.faults?.made?.(call, call.changes))
      .catch(ignore);
    const answered = (of: 'written' | 'synced'): Promise<void> =>
      this.#late(async () => {
        await (await ticket)[of];
        await this.#sent(delay.back + heldUpMs, nothing);
        if (isLost) throw this.#fail();
      });
    return { written: quiet(answered('written')), synced: quiet(answered('synced')) };
  }

  #claim(request: Request): Promise<Claimed> {
    const call: StoreCall = { kind: 'claim', changes: [] };
    const refused = this.#refused(call);
    if (refused !== null) return this.#late(() => Promise.reject(refused));
    const delay = this.#delay(call);
    const claiming = this.#sent(delay.there, () => this.#store.claim(request));
    const isLost = this.faults?.losesAnswer(call) ?? false;
    claiming.then(({ jobs, ticket }) => this.#tellClaim(call, jobs, ticket)).catch(ignore);
    return this.#late(async () => {
      const { startable, ticket, ...claimed } = await claiming;
      await this.#sent(delay.back + (claimed.jobs.length > 0 ? this.#takeHoldUp() : 0), nothing);
      if (isLost) throw this.#fail();
      const { written, synced } = ticket;
      return {
        ...claimed,
        startable: quiet(this.#late(() => startable)),
        ticket: { written: quiet(this.#late(() => written)), synced: quiet(this.#late(() => synced)) },
      };
    });
  }

  #follow(listener: (lines: Lines) => void): () => void {
    const { lane } = this.#parts;
    const unfollow = this.#store.follow((lines) => {
      if (!this.#isClosed) lane.turn(() => listener(lines));
    });
    this.#unfollows.push(unfollow);
    return unfollow;
  }

  /** Ends this connection: what the store did is unknown here. The process has to be started again. */
  #fail(): Error {
    if (this.#failure !== null) return this.#failure;
    const details = { call: 'a commit', file: 'the simulated store', reason: 'a lost answer' } as const;
    const failure = new SignalboxError('STORE_IO', { ...details, outcome: 'unknown' });
    this.#failure = failure;
    for (const listener of this.#failureListeners) listener(failure);
    this.#parts.onFailure();
    return failure;
  }

  /** Closes this end. A store that all share stays open for the others. */
  async #close(): Promise<void> {
    this.#isClosed = true;
    for (const unfollow of this.#unfollows) unfollow();
    if (this.#parts.isOwn) await this.#store.close();
  }

  /** Ends what the process at this end has left. */
  kill(): void {
    this.#parts.kill();
  }

  #ask<Value>(call: () => Promise<Value>): Promise<Value> {
    // Between the phases no process is stopped and nothing is late.
    if (this.faults === null && !this.#isClosed && this.#failure === null) return call();
    const refused = this.#refused(aRead);
    if (refused !== null) return this.#late(() => Promise.reject(refused));
    const delay = this.#delay(aRead);
    return this.#late(async () => {
      const value = await this.#sent(delay.there, call);
      await this.#sent(delay.back, nothing);
      return value;
    });
  }

  #refused(call: StoreCall): Error | null {
    if (this.#isClosed) return new SignalboxError('STORE_CLOSED', { call: nameOf(call) });
    if (this.#failure !== null) return this.#failure;
    return this.isDown ? lostConnection() : (this.faults?.refusal(call) ?? null);
  }

  #delay(call: StoreCall): Delay {
    return this.faults?.delay(call) ?? noDelay;
  }

  /** Says what a claim has made. */
  async #tellClaim(call: StoreCall, jobs: Claimed['jobs'], ticket: Ticket): Promise<void> {
    if (jobs.length === 0) return;
    await ticket.written;
    this.faults?.made?.(
      call,
      jobs.map(({ id }) => ({ kind: 'job', id, event: 'job.claim' })),
    );
  }

  /** Holds up the answer to a start, once. Gives how late it is. */
  #takeHoldUp(): number {
    const heldUp = this.#heldUp;
    this.#heldUp = null;
    heldUp?.begins();
    return heldUp?.ms ?? 0;
  }

  /** Sends a request or an answer that arrives later, also when the process is gone by then. */
  #sent<Value>(delayMs: number, call: () => Promise<Value>): Promise<Value> {
    if (delayMs === 0) return call();
    const { scheduler, network, lane, onFault } = this.#parts;
    onFault(`${lane.name} waits ${delayMs} ms`);
    return new Promise((resolve, reject) => {
      const arrive = (): void => {
        if (this.#underWay.delete(arrive)) Promise.resolve().then(call).then(resolve, reject);
      };
      this.#underWay.add(arrive);
      scheduler.callLater(network, delayMs, arrive);
    });
  }

  /** Makes a call and answers the process when it runs, and never once it is killed. */
  #late<Value>(call: () => Promise<Value>): Promise<Value> {
    const { lane } = this.#parts;
    return new Promise((resolve, reject) => {
      const deliver = (answer: () => void): void => {
        const isAtOnce = lane.isRunning && !(this.faults?.answersLater() ?? false);
        if (isAtOnce) answer();
        else lane.answer(answer);
      };
      call().then(
        (value) => deliver(() => resolve(value)),
        (error: unknown) => deliver(() => reject(error)),
      );
    });
  }
}

function ignore(): void {}

/** A caller that does not wait causes no unhandled rejection; one that waits sees it. */
function quiet(promise: Promise<void>): Promise<void> {
  promise.catch(() => {});
  return promise;
}

function refusedTicket(refused: Promise<never>): Ticket {
  return { written: quiet(refused), synced: quiet(refused) };
}
