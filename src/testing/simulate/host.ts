import type { OpenStore, ScheduledCall, Store } from '../../index.ts';
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
}

/** The store of a run, opened once for all processes; a crash takes it down, and it is opened again. */
export class Host {
  readonly #scheduler: Scheduler;
  readonly #random: SeededRandom;
  readonly #store: Store;
  readonly #report: (message: string) => void;
  #lane: Lane;
  #lose: (() => void) | null = null;
  #open: OpenStore | null = null;
  #ids = 0;

  constructor(world: World, makeStore: (host: SimulatedHost) => Store) {
    this.#scheduler = world.scheduler;
    this.#random = world.random.fork();
    this.#report = (message) => world.note(`store: ${message}`);
    this.#lane = world.scheduler.lane('store');
    this.#store = makeStore({
      random: this.#random,
      callLater: (delayMs, call) => this.#scheduler.callLater(this.#lane, delayMs, call),
      onCrash: (lose) => {
        this.#lose = lose;
      },
    });
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
    const lane = this.#lane;
    this.#open = await this.#store.open({
      now: () => this.#scheduler.now,
      defer: (call) => lane.turn(call),
      newId: () => {
        this.#ids += 1;
        return `${this.#ids}-${this.#random.integer(0, 2 ** 31)}`;
      },
      report: this.#report,
    });
    return this.#open;
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
