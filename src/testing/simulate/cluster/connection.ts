import { type OpenStore, SignalboxError } from '../../../index.ts';
import { lostConnection, refusal, type SimulationFaults } from '../world/faults.ts';
import type { Opened } from '../world/host.ts';
import type { SeededRandom } from '../world/random.ts';
import type { Lane, Scheduler } from '../world/scheduler.ts';

type Commit = Parameters<OpenStore['commit']>[0];
type Ticket = ReturnType<OpenStore['commit']>;
type Request = Parameters<OpenStore['claim']>[0];
type Claimed = Awaited<ReturnType<OpenStore['claim']>>;
type Lines = Parameters<Parameters<OpenStore['follow']>[0]>[0];

/** The dependencies of a connection. */
export interface ConnectionParts extends Opened {
  readonly scheduler: Scheduler;
  /** The process that uses the connection. */
  readonly lane: Lane;
  /** The network: requests under way arrive even if the process that sent them is killed. */
  readonly network: Lane;
  readonly random: SeededRandom;
  /** Whether this process may treat every earlier process as dead. */
  readonly isFirst: boolean;
  /** Called for each fault. */
  readonly onFault: (what: string) => void;
  /** Called when the connection has failed and cannot be used any more. */
  readonly onFailure: () => void;
}

const noFaults = { delays: 0, refusals: 0, lostAnswers: 0 };

/**
 * The connection of one process to the store that all share. It is slow, breaks and loses answers. A request of
 * a paused process is carried out; the process gets the answer when it continues. A commit whose answer is lost
 * has an unknown outcome: the connection has failed then, as a store that could not sync.
 */
export class Connection implements OpenStore {
  readonly name: string;
  readonly epoch: number;
  readonly exclusive: boolean;
  readonly isVolatile = true;
  readonly directory = null;
  readonly transaction = null;
  poolSize: number;
  faults: Pick<SimulationFaults, 'delays' | 'refusals' | 'lostAnswers'> = noFaults;
  isDown = false;
  readonly #parts: ConnectionParts;
  readonly #store: OpenStore;
  readonly #unfollows: (() => void)[] = [];
  /** Requests that arrive later: each arrives once. */
  readonly #underWay = new Set<() => void>();
  readonly #failureListeners: ((error: Error) => void)[] = [];
  #failure: SignalboxError | null = null;
  #isClosed = false;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    this.#store = parts.store;
    this.name = parts.store.name;
    this.epoch = parts.store.epoch;
    this.exclusive = parts.isFirst && parts.store.exclusive;
    this.poolSize = parts.store.poolSize;
  }

  /** Whether the connection has failed and cannot be used any more. */
  get hasFailed(): boolean {
    return this.#failure !== null;
  }

  /** Ends the faults, and lets everything that is under way arrive. */
  heal(): void {
    this.faults = noFaults;
    this.isDown = false;
    for (const arrive of [...this.#underWay]) arrive();
  }

  now(): number {
    return this.#store.now();
  }

  get: OpenStore['get'] = (kind, id, within) => this.#ask(() => this.#store.get(kind, id, within));
  list: OpenStore['list'] = (kind, prefix) => this.#ask(() => this.#store.list(kind, prefix));
  waiting: OpenStore['waiting'] = (queue, most) => this.#ask(() => this.#store.waiting(queue, most));
  waitingCount: OpenStore['waitingCount'] = (queue) => this.#ask(() => this.#store.waitingCount(queue));
  held: OpenStore['held'] = (queue, uuid, agent) => this.#ask(() => this.#store.held(queue, uuid, agent));
  heldCount: OpenStore['heldCount'] = (queue, uuid, agent) =>
    this.#ask(() => this.#store.heldCount(queue, uuid, agent));
  completed: OpenStore['completed'] = (queue, uuid, agent) =>
    this.#ask(() => this.#store.completed(queue, uuid, agent));
  callbacks: OpenStore['callbacks'] = (job) => this.#ask(() => this.#store.callbacks(job));
  branches: OpenStore['branches'] = (proxy) => this.#ask(() => this.#store.branches(proxy));
  waiters: OpenStore['waiters'] = (jobs) => this.#ask(() => this.#store.waiters(jobs));
  quotaHolders: OpenStore['quotaHolders'] = (quota) => this.#ask(() => this.#store.quotaHolders(quota));
  quarantined: OpenStore['quarantined'] = () => this.#ask(() => this.#store.quarantined());
  orphans: OpenStore['orphans'] = () => this.#ask(() => this.#store.orphans());
  annotations: OpenStore['annotations'] = (job) => this.#ask(() => this.#store.annotations(job));
  annotated: OpenStore['annotated'] = (jobs) => this.#ask(() => this.#store.annotated(jobs));
  due: OpenStore['due'] = (since) => this.#ask(() => this.#store.due(since));
  openings: OpenStore['openings'] = () => this.#ask(() => this.#store.openings());
  idle: OpenStore['idle'] = () => this.#store.idle();
  settled: OpenStore['settled'] = () => this.#ask(() => this.#store.settled());
  history: OpenStore['history'] = (kind, id) => this.#store.history(kind, id);
  entries: OpenStore['entries'] = (from) => this.#store.entries(from);
  oldestSeq: OpenStore['oldestSeq'] = () => this.#store.oldestSeq();

  commit(commit: Commit): Ticket {
    const refused = this.#refused(commit.changes[0]?.event ?? 'a commit');
    if (refused !== null) return refusedTicket(this.#late(() => Promise.reject(refused)));
    const delay = this.#delay();
    const isLost = this.#isHit('lostAnswers', 'the answer is lost to', commit.changes[0]?.event);
    const ticket =
      delay === 0
        ? Promise.resolve(this.#store.commit(commit))
        : this.#sent(delay, () => this.#store.commit(commit));
    const answered = (of: 'written' | 'synced'): Promise<void> =>
      this.#late(async () => {
        await (await ticket)[of];
        if (isLost) throw this.#fail();
      });
    return { written: quiet(answered('written')), synced: quiet(answered('synced')) };
  }

  claim(request: Request): Promise<Claimed> {
    const refused = this.#refused('a claim');
    if (refused !== null) return this.#late(() => Promise.reject(refused));
    const delay = this.#delay();
    const claiming =
      delay === 0 ? this.#store.claim(request) : this.#sent(delay, () => this.#store.claim(request));
    const isLost = this.#isHit('lostAnswers', 'the answer is lost to', 'a claim');
    return this.#late(async () => {
      const { jobs, held, startable, ticket } = await claiming;
      if (isLost) throw this.#fail();
      const { written, synced } = ticket;
      return {
        jobs,
        ...(held === undefined ? {} : { held }),
        startable: quiet(this.#late(() => startable)),
        ticket: { written: quiet(this.#late(() => written)), synced: quiet(this.#late(() => synced)) },
      };
    });
  }

  follow(listener: (lines: Lines) => void): () => void {
    const { lane } = this.#parts;
    const unfollow = this.#store.follow((lines) => {
      if (!this.#isClosed) lane.turn(() => listener(lines));
    });
    this.#unfollows.push(unfollow);
    return unfollow;
  }

  onHint(listener: (queue: string) => void): void {
    this.#store.onHint((queue) => this.#parts.lane.turn(() => listener(queue)));
  }

  onFailure(listener: (error: Error) => void): void {
    this.#failureListeners.push(listener);
    this.#store.onFailure((error) => this.#parts.lane.turn(() => listener(error)));
  }

  /** Fails the connection: the outcome of a commit is unknown to the process, which must be started again. */
  #fail(): Error {
    if (this.#failure !== null) return this.#failure;
    const details = { call: 'a commit', file: 'the simulated store', reason: 'a lost answer' } as const;
    const failure = new SignalboxError('STORE_IO', { ...details, outcome: 'unknown' });
    this.#failure = failure;
    for (const listener of this.#failureListeners) listener(failure);
    this.#parts.onFailure();
    return failure;
  }

  /** Closes the connection. A store that all processes share stays open for the others. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const unfollow of this.#unfollows) unfollow();
    if (this.#parts.isOwn) await this.#store.close();
  }

  /** Ends the connection of a killed process. */
  kill(): void {
    this.#parts.kill();
  }

  #ask<Value>(call: () => Promise<Value>): Promise<Value> {
    // Without faults no process is stopped and no call is late.
    if (this.faults === noFaults && !this.#isClosed && this.#failure === null) return call();
    const refused = this.#refused('a read', true);
    if (refused !== null) return this.#late(() => Promise.reject(refused));
    const delay = this.#delay();
    return this.#late(() => (delay === 0 ? call() : this.#sent(delay, call)));
  }

  #refused(what: string, isRead = false): Error | null {
    const { random, onFault } = this.#parts;
    if (this.#isClosed) return new SignalboxError('STORE_CLOSED', { call: what });
    if (this.#failure !== null) return this.#failure;
    if (this.isDown) return lostConnection();
    if (!random.chance(this.faults.refusals)) return null;
    const error = refusal(random, isRead);
    onFault(`${this.#parts.lane.name} is refused ${what}: ${error.message}`);
    return error;
  }

  #isHit(fault: 'lostAnswers', what: string, to: string | undefined): boolean {
    if (!this.#parts.random.chance(this.faults[fault])) return false;
    this.#parts.onFault(`${what} ${this.#parts.lane.name}: ${to}`);
    return true;
  }

  /** Returns the delay of a call: most pass at once, some are late by milliseconds, few by minutes. */
  #delay(): number {
    const { random } = this.#parts;
    if (!random.chance(this.faults.delays)) return 0;
    return random.pick([1, 1, 5, 50, 1000, 5000, random.chance(0.2) ? 70_000 : 10]);
  }

  /** Sends a request that arrives later, even if the process that sent it is killed by then. */
  #sent<Value>(delayMs: number, call: () => Value | Promise<Value>): Promise<Value> {
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

  /** Delivers the answer of a call to the process while it runs, and never after it is killed. */
  #late<Value>(call: () => Promise<Value>): Promise<Value> {
    const { lane, random } = this.#parts;
    return new Promise((resolve, reject) => {
      const deliver = (answer: () => void): void => {
        const isAtOnce = lane.isRunning && (this.faults === noFaults || !random.chance(0.2));
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

/** Marks a rejection as handled: no caller has to wait for the promise, and one that waits still gets the error. */
function quiet(promise: Promise<void>): Promise<void> {
  promise.catch(() => {});
  return promise;
}

function refusedTicket(refused: Promise<never>): Ticket {
  return { written: quiet(refused), synced: quiet(refused) };
}
