import {
  type AgentSettings,
  createSignalbox,
  Dispatcher,
  type Duration,
  installAgent,
  type Logger,
  type Signalbox,
  type SignalboxOptions,
} from '../../../index.ts';
import { boxPrefix } from '../audit/journal.ts';
import { Connection, type ConnectionDeps } from './connection.ts';
import { LaneReactor } from './lane-reactor.ts';

/** The options of simulated boxes, beside those that the simulation provides. */
export type SimulatedBoxOptions = Pick<
  SignalboxOptions,
  | 'jobs'
  | 'machines'
  | 'queues'
  | 'filters'
  | 'choosers'
  | 'conditions'
  | 'retryPolicies'
  | 'threadModule'
  | 'threads'
  | 'intercept'
>;

/** The intervals of simulated dispatchers: polls, pings, and the death interval. */
export interface Intervals {
  readonly pollInterval: Duration;
  readonly pingInterval: Duration;
  readonly deathInterval: Duration;
}

/** The settings of simulated processes. */
export interface ProcessSettings {
  readonly options: SimulatedBoxOptions;
  /** Agent `main` of every queue. Null: no agent. */
  readonly agent: AgentSettings | null;
  /** Called for each box before its dispatcher starts. */
  readonly install: (box: Signalbox) => void | Promise<void>;
  readonly intervals: Intervals;
}

/** One process, with its own event loop and clock, a connection to the store, a box, and a dispatcher. */
export class SimulatedProcess {
  readonly uuid: string;
  readonly reactor: LaneReactor;
  readonly connection: Connection;
  readonly lane: ConnectionDeps['lane'];
  readonly startedAt: number;
  box: Signalbox | null = null;
  readonly #killed: Promise<void>;
  readonly random: ConnectionDeps['random'];
  #ids = 0;
  #kill: () => void = () => {};

  constructor(uuid: string, parts: ConnectionDeps) {
    this.uuid = uuid;
    this.lane = parts.lane;
    this.startedAt = parts.scheduler.now;
    this.random = parts.random;
    this.reactor = new LaneReactor(parts.scheduler, parts.lane);
    this.connection = new Connection(parts);
    this.#killed = new Promise((resolve) => {
      this.#kill = resolve;
    });
  }

  /** Kills the process. A caller that waits for its start continues. */
  kill(): void {
    this.connection.kill();
    this.#kill();
  }

  /** Resolves when the process is up, or killed. */
  start(settings: ProcessSettings, logger: Logger): Promise<void> {
    return Promise.race([this.#killed, this.#start(settings, logger)]);
  }

  /** Whether the process is up and not stopped. */
  get isUp(): boolean {
    return this.box !== null && this.lane.isRunning && !this.connection.hasFailed;
  }

  async #start(settings: ProcessSettings, logger: Logger): Promise<void> {
    const { store } = this.connection;
    const { agent, install, options } = settings;
    const { pollInterval, pingInterval, deathInterval } = settings.intervals;
    const box = await createSignalbox({
      ...options,
      store: { name: store.name, open: async () => store },
      reactor: this.reactor,
      ids: { newId: () => this.newId(), newUuid: () => this.newId() },
      random: this.random,
      uuid: boxPrefix + this.uuid,
      logger,
    });
    box.on('dispatcherActivated', ({ representation }) =>
      representation.setPingIntervals({ pingInterval, pingDeathInterval: deathInterval }),
    );
    if (agent !== null) installAgent(box, { name: 'main', settings: agent });
    await install(box);
    new Dispatcher(box, { uuid: this.uuid, pollInterval }).activate();
    this.reactor.run();
    this.box = box;
  }

  newId(): string {
    this.#ids += 1;
    return `${this.lane.name}-${this.#ids}`;
  }
}
