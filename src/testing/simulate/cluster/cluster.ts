import { type Logger, type Signalbox, SignalboxError } from '../../../index.ts';
import type { Journal } from '../audit/journal.ts';
import { isInjected, type SimulationFaults } from '../world/faults.ts';
import type { Host } from '../world/host.ts';
import type { Lane } from '../world/scheduler.ts';
import type { World } from '../world/world.ts';
import { type ProcessSettings, SimulatedProcess } from './simulated-process.ts';

/** What processes are started with. */
export interface ClusterParts {
  readonly world: World;
  readonly host: Host;
  readonly journal: Journal;
  readonly settings: ProcessSettings;
  /** How many there are at a time. */
  readonly size: number;
}

/** The processes of a run: started one after the other, killed, and started again. */
export class Cluster {
  /** What goes wrong between a process and the store; null while nothing does. */
  faults: SimulationFaults | null = null;
  readonly #parts: ClusterParts;
  #network: Lane;
  #processes: readonly SimulatedProcess[] = [];
  #starting: Promise<void> = Promise.resolve();
  #starts = 0;
  #hasFirst = false;

  constructor(parts: ClusterParts) {
    this.#parts = parts;
    this.#network = parts.world.scheduler.lane('network');
  }

  /** Those that were not killed. */
  get processes(): readonly SimulatedProcess[] {
    return this.#processes;
  }

  /** How many were ever started. */
  get starts(): number {
    return this.#starts;
  }

  get isAnyUp(): boolean {
    return this.#processes.some(({ isUp }) => isUp);
  }

  /** The box of one that is up, by chance; null while none is. */
  anyBox(): Signalbox | null {
    const up = this.#processes.filter(({ isUp }) => isUp);
    return up.length === 0 ? null : this.#parts.world.random.pick(up).box;
  }

  /** Resolves when everything that was to start is up, or killed. */
  started(): Promise<void> {
    return this.#starting;
  }

  /** Starts a process, once those before it are up. `uuid` null: a new one. */
  start(uuid: string | null): void {
    this.#starts += 1;
    const name = `p${this.#starts}`;
    this.#starting = this.#starting
      .then(() => this.#boot(name, uuid ?? name))
      .catch((error: unknown) => {
        this.#parts.world.violated(`I16 the start of ${name} failed: ${String(error)}`);
      });
  }

  kill(process: SimulatedProcess): void {
    this.#parts.world.scheduler.kill(process.lane);
    process.kill();
    this.#processes = this.#processes.filter((each) => each !== process);
  }

  /** Everything goes down, and comes again: the store first, then one process after the other. */
  crash(): void {
    const { world, host, journal, size } = this.#parts;
    this.#starting = this.#starting
      .then(() => {
        world.note('everything goes down');
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
      if (this.faults !== null) process.connection.faults = this.faults;
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
    world.note(`${name} starts as ${uuid}`);
    this.#processes = [...this.#processes, process];
    return process;
  }

  /** A process that lost its store ends, and another is started. */
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
        const isBroken = /unexpected error in worker|what follows a commit broke/.test(message);
        // A worker whose store is gone has nobody to tell.
        if (isBroken && !/the simulated store|got a closed one/.test(message))
          world.violated(`I16 ${name}: ${message}`);
      },
    };
  }
}

/** A store that is a server says so of a connection that breaks while it is opened. */
function isDisconnected(error: unknown): boolean {
  return error instanceof SignalboxError && error.code === 'STORE_DISCONNECTED';
}
