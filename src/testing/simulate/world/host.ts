import type { OpenStore, ScheduledCall, Store } from '../../../index.ts';
import type { SeededRandom } from './random.ts';
import type { Lane, Scheduler } from './scheduler.ts';
import type { World } from './world.ts';

/** The machine on which a simulated store runs. */
export interface SimulatedHost {
  readonly random: SeededRandom;
  /** Calls something later in simulated time: for what a store would leave to a thread or a disk. */
  callLater(delayMs: number, call: () => void): ScheduledCall;
  /**
   * Says what is lost when everything goes down at once. A store without it is closed then, and opened again: nothing
   * of it is lost.
   */
  onCrash(lose: () => void): void;
  /**
   * Says how one process opens the store, where each does so by itself, as with a database. The store itself is opened
   * beside them for the audit, and has to tell of every commit before anybody else hears of it.
   */
  onOpen(open: (peer: SimulatedPeer) => Promise<OpenStore>): void;
  /** Whether things may go wrong at this moment. */
  readonly mayFail: boolean;
  /** Does something between the processes and the store, when chance has it. */
  send(call: () => void): void;
  /** Nothing happens and no time passes until the returned function is called: for what takes real time. */
  hold(): () => void;
}

/** One process of a run, for a store that each process opens by itself. */
export interface SimulatedPeer {
  readonly name: string;
  /** What its opening is given. */
  readonly ports: Parameters<Store['open']>[0];
  /** Does something in the name of the process, when chance has it: not while it stands still, never once it is killed. */
  answer(call: () => void): void;
  callLater(delayMs: number, call: () => void): ScheduledCall;
  /** Says what becomes of its end when it is killed. */
  onKill(die: () => void): void;
}

/** The store as one process has it. */
export interface Opened {
  readonly store: OpenStore;
  /** Whether no other process has this opening. */
  readonly isOwn: boolean;
  readonly kill: () => void;
}

/** The store of a run, opened once for all processes; a crash takes it down, and it is opened again. */
export class Host {
  readonly #scheduler: Scheduler;
  readonly #random: SeededRandom;
  readonly #store: Store;
  readonly #report: (message: string) => void;
  #lane: Lane;
  /** Whether things may go wrong at this moment. */
  mayFail = false;
  #lose: (() => void) | null = null;
  #openPeer: ((peer: SimulatedPeer) => Promise<OpenStore>) | null = null;
  #open: OpenStore | null = null;
  #ids = 0;

  constructor(world: World, makeStore: (host: SimulatedHost) => Store) {
    this.#scheduler = world.scheduler;
    this.#random = world.random.fork();
    this.#report = (message) => world.note(`store: ${message}`);
    this.#lane = world.scheduler.lane('store');
    const host = this;
    this.#store = makeStore({
      random: this.#random,
      callLater: (delayMs, call) => this.#scheduler.callLater(this.#lane, delayMs, call),
      onCrash: (lose) => {
        this.#lose = lose;
      },
      onOpen: (open) => {
        this.#openPeer = open;
      },
      get mayFail() {
        return host.mayFail;
      },
      send: (call) => this.#lane.answer(call),
      hold: () => this.#scheduler.hold(),
    });
  }

  /** Whether each process opens the store by itself. */
  get hasPeers(): boolean {
    return this.#openPeer !== null;
  }

  /** The store for one process: an opening of its own where each has one. */
  async openFor(lane: Lane): Promise<Opened> {
    if (this.#openPeer === null) return { store: this.store, isOwn: false, kill: () => {} };
    let die = (): void => {};
    const store = await this.#openPeer({
      name: lane.name,
      ports: this.#portsOf(lane),
      answer: (call) => lane.answer(call),
      callLater: (delayMs, call) => this.#scheduler.callLater(lane, delayMs, call),
      onKill: (call) => {
        die = call;
      },
    });
    return { store, isOwn: true, kill: () => die() };
  }

  /** The store, open. */
  get store(): OpenStore {
    if (this.#open === null) throw new Error('the simulated store is not open');
    return this.#open;
  }

  get name(): string {
    return this.#store.name;
  }

  async open(): Promise<OpenStore> {
    this.#open = await this.#store.open(this.#portsOf(this.#lane));
    return this.#open;
  }

  #portsOf(lane: Lane): Parameters<Store['open']>[0] {
    return {
      now: () => this.#scheduler.now,
      defer: (call) => lane.turn(call),
      newId: () => {
        this.#ids += 1;
        return `${this.#ids}-${this.#random.integer(0, 2 ** 31)}`;
      },
      report: this.#report,
    };
  }

  /** Everything goes down: a store that says what is lost then loses it. */
  async crash(): Promise<void> {
    if (this.#lose === null) await this.close();
    this.#scheduler.kill(this.#lane);
    this.#lane = this.#scheduler.lane('store');
    this.#lose?.();
    this.#open = null;
  }

  async close(): Promise<void> {
    await this.#open?.close();
    this.#open = null;
  }
}
