/*
 * Room: cluster.
 *
 * Owns: The processes of a simulation: their connections to the store, clients, and what kills, pauses and
 *   disconnects them.
 *
 * Invariant: A killed process does nothing any more, and its requests under way still arrive.
 *
 * May import: world, audit.
 */
import { type Logger, type Signalbox, SignalboxError } from '../../../index.ts';
import { watchRealTimers } from '../../real-timers.ts';
import type { Journal } from '../audit/journal.ts';
import { isInjected } from '../world/faults.ts';
import type { Host } from '../world/host.ts';
import type { Lane } from '../world/scheduler.ts';
import type { World } from '../world/world.ts';
import type { ConnectionFaults } from './connection-faults.ts';
import { type ProcessSettings, SimulatedProcess } from './simulated-process.ts';

/** The dependencies of a cluster. */
export interface ClusterDeps {
  readonly world: World;
  readonly host: Host;
  readonly journal: Journal;
  readonly settings: ProcessSettings;
  /** The number of processes at a time. */
  readonly size: number;
}

/** The processes of a run: started one after the other, killed, and started again. */
export class Cluster {
  readonly #parts: ClusterDeps;
  #network: Lane;
  /** What goes wrong between a process and the store; null: nothing. */
  #faultsOf: ((process: SimulatedProcess) => ConnectionFaults) | null = null;
  #processes: readonly SimulatedProcess[] = [];
  #starting: Promise<void> = Promise.resolve();
  #starts = 0;
  #hasFirst = false;

  constructor(parts: ClusterDeps) {
    this.#parts = parts;
    this.#network = parts.world.scheduler.lane('network');
  }

  /** The processes that were not killed. */
  get processes(): readonly SimulatedProcess[] {
    return this.#processes;
  }

  /** The number of starts so far. */
  get starts(): number {
    return this.#starts;
  }

  get isAnyUp(): boolean {
    return this.#processes.some(({ isUp }) => isUp);
  }

  /** Returns the box of a random process that is up; null while no process is up. */
  anyBox(): Signalbox | null {
    const up = this.#processes.filter(({ isUp }) => isUp);
    return up.length === 0 ? null : this.#parts.world.random.pick(up).box;
  }

  /** Resolves when every process that was started is up, or killed. */
  started(): Promise<void> {
    return this.#starting;
  }

  /** Starts a process, once those before it are up. `uuid` null: a new UUID. */
  start(uuid: string | null): void {
    this.#starts += 1;
    const name = `p${this.#starts}`;
    this.#starting = this.#starting
      .then(() => this.#boot(name, uuid ?? name))
      .catch((error: unknown) => {
        this.#parts.world.violated(`I16 the start of ${name} failed: ${String(error)}`);
      });
  }

  /** Lets something go wrong between each process and the store, now and for those that start later. */
  disturb(faultsOf: (process: SimulatedProcess) => ConnectionFaults): void {
    this.#faultsOf = faultsOf;
    for (const process of this.#processes) process.connection.faults = faultsOf(process);
  }

  /** Ends all faults: stopped processes continue, and clocks are right. */
  heal(): void {
    this.#faultsOf = null;
    for (const process of this.#processes) {
      process.reactor.skew = 0;
      process.connection.heal();
      process.lane.resume();
    }
  }

  kill(process: SimulatedProcess): void {
    this.#parts.world.scheduler.kill(process.lane);
    process.kill();
    this.#processes = this.#processes.filter((each) => each !== process);
  }

  /** Crashes everything, then starts it again: the store first, then one process after the other. */
  crash(): void {
    const { world, host, journal, size } = this.#parts;
    this.#starting = this.#starting
      .then(() => {
        world.note('everything crashes');
        for (const process of this.#processes) this.kill(process);
        world.scheduler.kill(this.#network);
        this.#network = world.scheduler.lane('network');
        this.#hasFirst = false;
        return host.crash();
      })
      .then(() => journal.open());
    for (let count = 0; count < size; count += 1) this.start(null);
  }

  async #boot(name: string, uuid: string): Promise<void> {
    const { world } = this.#parts;
    const lane = world.scheduler.lane(name);
    let process: SimulatedProcess | null = null;
    try {
      process = await this.#connect(lane, name, uuid);
      await process.start(this.#parts.settings, this.#logger(name));
      process.connection.faults = this.#faultsOf?.(process) ?? null;
    } catch (error) {
      if (!isInjected(error) && !isDisconnected(error)) throw error;
      world.note(`${name} does not start: ${String(error)}`);
      if (process === null) world.scheduler.kill(lane);
      else this.kill(process);
      world.scheduler.callLater(world.lane, 1000, () => this.start(uuid));
    }
  }

  async #connect(lane: Lane, name: string, uuid: string): Promise<SimulatedProcess> {
    const { world, host } = this.#parts;
    const opened = await host.openFor(lane);
    const process = new SimulatedProcess(uuid, {
      ...opened,
      scheduler: world.scheduler,
      lane,
      network: this.#network,
      random: world.random.fork(),
      isFirst: !this.#hasFirst,
      onFault: (what) => world.note(what),
      onFailure: () => this.#ends(process),
    });
    this.#hasFirst = true;
    // The client of a database has timers, and makes them in the name of the job that asks.
    if (opened.store.exclusive)
      world.atEnd(watchRealTimers(process.reactor, (_job, message) => world.warnOf(message)));
    world.note(`${name} starts as ${uuid}`);
    this.#processes = [...this.#processes, process];
    return process;
  }

  /** Ends a process that lost its store, and starts another. */
  #ends(process: SimulatedProcess): void {
    const { world } = this.#parts;
    world.scheduler.callLater(world.lane, 1000, () => {
      if (process.lane.isKilled) return;
      world.note(`${process.lane.name} ends`);
      this.kill(process);
      this.start(null);
    });
  }

  #logger(name: string): Logger {
    const { world } = this.#parts;
    const none = (): void => {};
    return {
      debug: none,
      info: none,
      warn: none,
      error: none,
      isLevelEnabled: (level) => level === 'fatal',
      fatal: (_fields, message) => {
        world.note(`${name}: ${message.split('\n')[0]}`);
        const isBroken = /unexpected error in worker|an effect of a commit failed/.test(message);
        // A worker without a store cannot report its error otherwise: that is expected.
        if (isBroken && !/the simulated store|got a closed one/.test(message))
          world.violated(`I16 ${name}: ${message}`);
      },
    };
  }
}

/** Whether a connection broke while a store on a server was opened. */
function isDisconnected(error: unknown): boolean {
  return error instanceof SignalboxError && error.code === 'STORE_DISCONNECTED';
}
