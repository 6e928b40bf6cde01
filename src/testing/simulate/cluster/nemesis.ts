import type { Intercept } from '../../../index.ts';
import type { SimulationFaults } from '../world/faults.ts';
import type { SeededRandom } from '../world/random.ts';
import type { World } from '../world/world.ts';
import type { Cluster } from './cluster.ts';
import { RandomFaults } from './connection-faults.ts';
import type { SimulatedProcess } from './simulated-process.ts';

/** What makes things go wrong in a run. */
export interface Nemesis {
  /** Begins a phase of faults that lasts this long. */
  begin(lastsMs: number): void;
  /** Ends the faults: stopped processes continue, and clocks are right. */
  end(): void;
  /** Stands between attempts and their code. */
  intercept?: Intercept;
  /** Whether a message that was just acknowledged is sent once more. */
  sendsTwice?(): boolean;
}

/** What a nemesis works with. */
export interface NemesisDeps {
  readonly world: World;
  readonly cluster: Cluster;
  /** The death interval of dispatchers. */
  readonly deathMs: number;
}

/** Faults at instants that chance decides. */
export class RandomNemesis implements Nemesis {
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #faults: SimulationFaults;
  readonly #random: SeededRandom;
  readonly #deathMs: number;
  #isOver = false;

  constructor({ world, cluster, deathMs }: NemesisDeps, faults: SimulationFaults) {
    this.#world = world;
    this.#cluster = cluster;
    this.#faults = faults;
    this.#random = world.random.fork();
    this.#deathMs = deathMs;
  }

  begin(lastsMs: number): void {
    const faults = this.#faults;
    const world = this.#world;
    this.#cluster.disturb(
      ({ lane, random }) => new RandomFaults(faults, random, (what) => world.note(`${lane.name} ${what}`)),
    );
    const often = (count: number, strike: () => void): void => {
      for (let remaining = count; remaining > 0; remaining -= 1)
        this.#at(this.#random.integer(0, lastsMs), strike);
    };
    often(faults.disconnections, () => this.#disconnect());
    often(faults.pauses, () => this.#pause());
    often(faults.kills, () => this.#kill());
    often(faults.clockJumps, () => this.#jump());
    often(faults.crashes, () => this.#cluster.crash());
    often(faults.stalls, () => this.#stall());
  }

  end(): void {
    this.#isOver = true;
    this.#cluster.heal();
  }

  #at(delayMs: number, call: () => void): void {
    const { scheduler, lane } = this.#world;
    scheduler.callLater(lane, delayMs, () => {
      if (!this.#isOver) call();
    });
  }

  #one(): SimulatedProcess | null {
    const running = this.#cluster.processes.filter(({ lane }) => lane.isRunning);
    return running.length === 0 ? null : this.#random.pick(running);
  }

  /** A random time, from a moment to twice the death interval. */
  #while(): number {
    const random = this.#random;
    const deathMs = this.#deathMs;
    return random.chance(0.5) ? random.integer(1, 3000) : random.integer(deathMs, 2 * deathMs);
  }

  #disconnect(): void {
    const process = this.#one();
    if (process === null) return;
    const ms = this.#while();
    this.#world.note(`${process.lane.name} has no store for ${ms} ms`);
    process.connection.isDown = true;
    this.#at(ms, () => {
      process.connection.isDown = false;
    });
  }

  #pause(): void {
    const process = this.#one();
    if (process === null) return;
    const ms = this.#while();
    this.#world.note(`${process.lane.name} stops for ${ms} ms`);
    process.lane.pause();
    this.#at(ms, () => process.lane.resume());
  }

  /** Stops a process with the next start of a job under way: the answer comes some time after it continues. */
  #stall(): void {
    const process = this.#one();
    if (process === null) return;
    const ms = this.#random.integer(this.#deathMs, 3 * this.#deathMs);
    process.connection.holdUp(ms + this.#random.integer(1, 3000), () => {
      if (this.#isOver) return;
      this.#world.note(`${process.lane.name} stops for ${ms} ms before it is answered`);
      process.lane.pause();
      this.#at(ms, () => process.lane.resume());
    });
  }

  #kill(): void {
    const process = this.#one();
    if (process === null) return;
    this.#world.note(`${process.lane.name} is killed`);
    this.#cluster.kill(process);
    const uuid = this.#random.chance(0.3) ? process.uuid : null;
    this.#at(this.#while(), () => this.#cluster.start(uuid));
  }

  #jump(): void {
    const process = this.#one();
    if (process === null) return;
    process.reactor.skew = this.#random.integer(-3 * this.#deathMs, 3 * this.#deathMs);
    this.#world.note(`the clock of ${process.lane.name} is ${process.reactor.skew} ms off`);
  }
}
