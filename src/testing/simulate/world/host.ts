import type { OpenStore, ScheduledCall, Store } from '../../../index.ts';
import type { SeededRandom } from './random.ts';
import type { Lane, Scheduler } from './scheduler.ts';
import type { World } from './world.ts';

/** The machine on which a store runs that can lose something in a crash. */
export interface StoreHost {
  /** Decides what is lost. In a test box: all that can be. */
  readonly random: SeededRandom;
  /**
   * Schedules a call for work that a store would leave to a thread or a disk: in simulated time; in a test box in a later
   * turn, whatever the delay.
   */
  callLater(delayMs: number, call: () => void): ScheduledCall;
  /**
   * Sets the function that drops what is lost when everything crashes at once. A store without one is closed
   * then and opened again, and loses nothing.
   */
  onCrash(lose: () => void): void;
}

/** The machine on which a simulated store runs. */
export interface SimulatedHost extends StoreHost {
  /**
   * Sets the function by which each process opens the store by itself, as with a database. The store itself is
   * opened as well, for the audit. It must report every commit before any other process learns of it.
   */
  onOpen(open: (peer: SimulatedPeer) => Promise<OpenStore>): void;
  /** Whether faults may happen at this moment. */
  readonly mayFail: boolean;
  /** Makes a call between the processes and the store, at a moment that chance decides. */
  send(call: () => void): void;
  /** Stops all calls and the time until the returned function is called: for work that takes real time. */
  hold(): () => void;
}

/** One process of a run, for a store that each process opens by itself. */
export interface SimulatedPeer {
  readonly name: string;
  /** The ports of its opening. */
  readonly ports: Parameters<Store['open']>[0];
  /**
   * Makes a call in the process, at a moment that chance decides: not while it is stopped, never after it is
   * killed.
   */
  answer(call: () => void): void;
  callLater(delayMs: number, call: () => void): ScheduledCall;
  /** Sets the function that ends its opening when the process is killed. */
  onKill(die: () => void): void;
}

/** The store of one process. */
export interface Opened {
  readonly store: OpenStore;
  /** Whether no other process has this opening. */
  readonly isOwn: boolean;
  readonly kill: () => void;
}

/** The store of a run, opened once for all processes. After a crash of everything it is opened again. */
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

  constructor(world: World, makeStore: (host: SimulatedHost) => Store, random: SeededRandom) {
    this.#scheduler = world.scheduler;
    this.#random = random;
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

  /** Returns the store for one process: its own opening where each process has one. */
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

  /** Whether a crash can lose what is written and not synced. */
  get canLose(): boolean {
    return this.#lose !== null;
  }

  /** The open store. */
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

  /** Crashes everything: the store loses what it declared as lost. */
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
