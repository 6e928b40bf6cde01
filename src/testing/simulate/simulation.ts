import { agent, type HistoryEntry, type Intercept, type Signalbox, type Store } from '../../index.ts';
import { recorderFor } from '../coverage/recorder.ts';
import { Journal } from './audit/journal.ts';
import { Ledger } from './audit/ledger.ts';
import { heldBy } from './audit/replayed-record.ts';
import { isExpected } from './cluster/careful-calls.ts';
import { ClientOf } from './cluster/client.ts';
import { Cluster } from './cluster/cluster.ts';
import type { Nemesis, NemesisDeps } from './cluster/nemesis.ts';
import { reported, reportedActor, type SimulationReport } from './cluster/report.ts';
import type { SimulatedActor, SimulatedJob, SimulatedRun, SimulatedScenario } from './cluster/scenario.ts';
import type { Intervals, ProcessSettings } from './cluster/simulated-process.ts';
import { Oracle } from './oracle/oracle.ts';
import { drawnFaults, type SimulationFaults } from './world/faults.ts';
import { Host, type SimulatedHost } from './world/host.ts';
import { SeededRandom, WorstCase } from './world/random.ts';
import { World } from './world/world.ts';

/** The settings of a run. */
export interface SimulationPlan {
  readonly scenario: (run: SimulatedRun) => SimulatedScenario;
  readonly intervals: Intervals;
  readonly dispatchers: number;
  readonly makeStore: (host: SimulatedHost) => Store;
  readonly faults: Partial<SimulationFaults> | false;
  /** Makes what makes things go wrong. */
  readonly makeNemesis: (deps: NemesisDeps, faults: SimulationFaults) => Nemesis;
  /** One life: its acts begin at once and are never given up, and the phase of faults ends when it does. */
  readonly isOneLife: boolean;
  /** Whether an act is at something that its client does not see, such as to let time pass. */
  readonly isBusy?: () => boolean;
  readonly safetyMs: number;
  readonly livenessMs: number;
  readonly deathMs: number;
  readonly pollMs: number;
  /** Called with the entries of each commit, in their order, once they are synced. */
  readonly onSynced?: (entries: readonly HistoryEntry[]) => void;
  /** Called with what makes a run hard to repeat. */
  readonly warn: (message: string) => void;
}

/** Longer than the longest pause of a step that is retried, and than code of a job that heeds no abort should last. */
const longestRestMs = 75_000;

/** One run: the real runtime code in several processes on one store. A seed decides everything around them. */
export class Simulation implements SimulatedRun {
  readonly seed: number;
  readonly random: SeededRandom;
  readonly faults: SimulationFaults;
  readonly #world: World;
  readonly #plan: SimulationPlan;
  readonly #scenario: SimulatedScenario;
  readonly #ledger = new Ledger();
  readonly #journal: Journal;
  readonly #host: Host;
  readonly #cluster: Cluster;
  readonly #nemesis: Nemesis;
  #acts = 0;
  /** The number of acts that have not begun. */
  #toAct = 0;
  /** The acts that have not ended. */
  readonly #acting = new Set<ClientOf>();
  /** When the faults ended; null before that. */
  #calmSince: number | null = null;

  constructor(seed: number, plan: SimulationPlan) {
    this.seed = seed;
    this.#plan = plan;
    const world = new World(new SeededRandom(seed), plan.warn);
    this.#world = world;
    this.faults = drawnFaults(plan.faults, world.random);
    const host = new Host(world, plan.makeStore, plan.isOneLife ? new WorstCase(1) : world.random.fork());
    this.#host = host;
    this.#journal = new Journal(world, host);
    this.random = world.random.fork();
    this.#scenario = plan.scenario(this);
    this.#journal.oracle = new Oracle(this.#scenario.machines ?? []);
    const recorder = recorderFor(this.#scenario.machines);
    this.#journal.onSynced = (entries) => {
      for (const entry of entries) recorder?.add(entry);
      this.#synced(entries);
    };
    this.#cluster = new Cluster({
      world,
      host,
      journal: this.#journal,
      settings: settingsOf(this.#scenario, plan.intervals, (attempt, call) => {
        const own = this.#scenario.intercept ?? callThrough;
        const faulty = this.#nemesis.intercept ?? callThrough;
        return faulty(attempt, () => own(attempt, call));
      }),
      size: plan.dispatchers,
    });
    this.#nemesis = plan.makeNemesis({ world, cluster: this.#cluster, deathMs: plan.deathMs }, this.faults);
  }

  /** Whether its store loses what is not synced when the power fails. */
  get canLose(): boolean {
    return this.#host.canLose;
  }

  now(): number {
    return this.#world.now();
  }

  wellSince(uuid: string): number | null {
    const process = this.#cluster.processes.find((each) => each.uuid === uuid);
    if (process?.isUp !== true || this.#calmSince === null) return null;
    return Math.max(process.startedAt, this.#calmSince);
  }

  job(id: string): SimulatedJob | undefined {
    const job = this.#journal.audit.job(id);
    return job === undefined ? undefined : reported(job);
  }

  actor(id: string): SimulatedActor | undefined {
    const actor = this.#journal.audit.records.get(`actor/${id}`);
    return actor === undefined ? undefined : reportedActor(actor);
  }

  violated(what: string): void {
    this.#world.violated(what);
  }

  async run(): Promise<SimulationReport> {
    const world = this.#world;
    try {
      await this.#begin();
      await this.#safety();
      await this.#liveness();
      await this.#end();
    } catch (error) {
      world.violated(`I16 ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    } finally {
      world.end();
    }
    const { audit } = this.#journal;
    return {
      seed: this.seed,
      hash: world.trace.hash(),
      violations: [...audit.problems, ...world.violations],
      jobs: audit.jobs().map(reported),
      actors: [...audit.records.values()].filter(({ kind }) => kind === 'actor').map(reportedActor),
      faults: this.faults,
      durationMs: world.durationMs,
      trace: world.trace.lines,
    };
  }

  async #begin(): Promise<void> {
    const cluster = this.#cluster;
    const world = this.#world;
    await world.until(this.#journal.open(), 'opening the store');
    cluster.start(null);
    await world.until(cluster.started(), 'the first start');
    const box = cluster.anyBox();
    if (box === null) throw new Error('the first process did not start');
    await world.until(Promise.resolve(this.#scenario.prepare?.(box)), '`prepare`');
    for (let count = 1; count < this.#plan.dispatchers; count += 1) cluster.start(null);
    await world.until(cluster.started(), 'the start');
  }

  /** The phase with faults: every promise of safety holds. */
  async #safety(): Promise<void> {
    const { safetyMs, pollMs, isOneLife } = this.#plan;
    const { scheduler, random, lane } = this.#world;
    const { acts = isOneLife ? 1 : 20 } = this.#scenario;
    const end = scheduler.now + safetyMs;
    this.#nemesis.begin(safetyMs);
    this.#host.mayFail = true;
    this.#toAct = acts;
    for (let count = 0; count < acts; count += 1)
      scheduler.callLater(lane, isOneLife ? 1 : random.integer(0, safetyMs), () => this.#act());
    if (!isOneLife) await scheduler.runUntil(end);
    while (scheduler.now < end && (this.#isActing() || this.#isAtWork(end)))
      await scheduler.runUntil(Math.min(end, scheduler.now + pollMs));
  }

  /** Whether an act can still do something: one that waits for a process that was killed waits for ever. */
  #isActing(): boolean {
    return (
      this.#toAct > 0 ||
      this.#plan.isBusy?.() === true ||
      [...this.#acting].some((client) => client.isCalling || this.#isThere(client.box))
    );
  }

  /** Whether the process of a box was not killed. */
  #isThere(box: Signalbox): boolean {
    return this.#cluster.processes.some((each) => each.box === box);
  }

  /** Whether anything is left to do before an instant. */
  #isAtWork(end: number): boolean {
    const { audit } = this.#journal;
    return audit.openJobs > 0 || audit.actors.isAtWork(end);
  }

  /** The phase without faults: every job ends, within a bound. */
  async #liveness(): Promise<void> {
    const cluster = this.#cluster;
    const { scheduler } = this.#world;
    const { livenessMs, deathMs, pollMs } = this.#plan;
    this.#calmSince = scheduler.now;
    this.#host.mayFail = false;
    this.#nemesis.end();
    await this.#world.until(cluster.started(), 'the start');
    if (!cluster.isAnyUp) cluster.start(null);
    const isUp = (uuid: string): boolean => cluster.processes.some((each) => each.uuid === uuid && each.isUp);
    this.#journal.audit.beCalm(scheduler.now, pollMs, isUp);
    const end = scheduler.now + livenessMs;
    // Each dispatcher watches one sibling: neighbouring dead dispatchers are found one poll after the other.
    const reassignedBy = scheduler.now + deathMs + (cluster.starts + 1) * pollMs + 1000;
    while (scheduler.now < end && (this.#isAtWork(end) || !cluster.isAnyUp)) {
      await scheduler.runUntil(Math.min(end, scheduler.now + pollMs));
      if (scheduler.now - pollMs < reassignedBy && reassignedBy <= scheduler.now) this.#checkReassigned();
    }
  }

  /** Checks that no dead dispatcher holds a job any more. */
  #checkReassigned(): void {
    const up = new Set(this.#cluster.processes.map(({ uuid }) => uuid));
    for (const job of this.#journal.audit.jobs()) {
      const holder = heldBy(job);
      const uuid = holder?.split('/')[1];
      if (uuid !== undefined && !up.has(uuid)) this.violated(`I13 job ${job.id} is still held by ${holder}`);
    }
  }

  async #end(): Promise<void> {
    const world = this.#world;
    const { audit } = this.#journal;
    const { processes } = this.#cluster;
    const box = this.#cluster.anyBox();
    if (box === null) throw new Error('no process is up at the end');
    audit.checkRest();
    // Two polls: one may have been under way when the faults ended.
    const slackMs = 2 * this.#plan.pollMs + 1000;
    if (world.now() - (this.#calmSince ?? world.now()) > 2 * slackMs)
      audit.checkSchedules(box.store.now(), slackMs);
    for (const problem of this.#ledger.problems(audit)) world.violated(problem);
    try {
      await world.until(Promise.resolve(this.#scenario.check?.(box)), '`check`');
    } catch (error) {
      world.violated(`check: ${error instanceof Error ? error.message : String(error)}`);
    }
    await world.until(Promise.all(processes.map((process) => process.box?.stop())), 'stopping');
    // A run whose job was reassigned ends at its next check.
    await world.scheduler.runUntil(world.now() + longestRestMs);
    for (const { lane } of processes)
      if (lane.pending > 0)
        world.violated(`I14 ${lane.pending} calls of ${lane.name} are pending after its stop`);
    await this.#journal.compare();
  }

  /** A commit is synced. */
  #synced(entries: readonly HistoryEntry[]): void {
    this.#plan.onSynced?.(entries);
    try {
      this.#scenario.invariant?.();
    } catch (error) {
      const broken = `invariant: ${error instanceof Error ? error.message : String(error)}`;
      // What is broken stays so with each commit that follows.
      if (!this.#world.violations.includes(broken)) this.violated(broken);
    }
  }

  #act(): void {
    const world = this.#world;
    const cluster = this.#cluster;
    const box = cluster.anyBox();
    if (box === null) {
      // A client that finds no process tries again, or has come in vain.
      if (this.#plan.isOneLife) world.scheduler.callLater(world.lane, 1000, () => this.#act());
      else this.#toAct -= 1;
      return;
    }
    this.#toAct -= 1;
    this.#acts += 1;
    const number = this.#acts;
    const client = new ClientOf({
      box,
      number,
      world,
      ledger: this.#ledger,
      audit: () => this.#journal.audit,
      anyBox: () => cluster.anyBox(),
      nextBox: () => (this.#plan.isOneLife && !this.#isThere(box) ? cluster.anyBox() : box),
      forgets: 10 * this.faults.lostAnswers,
      givesUp: this.#plan.isOneLife ? 0 : 0.3,
      patienceMs: this.#plan.isOneLife ? this.#plan.pollMs : 0,
      isOver: () => this.#calmSince !== null,
      sendsTwice: () => this.#nemesis.sendsTwice?.() ?? false,
    });
    this.#acting.add(client);
    Promise.resolve()
      .then(() => this.#scenario.act(client))
      .then(
        () => world.note(`act ${number} has ended`),
        (error: unknown) => this.#failedAct(number, error),
      )
      .finally(() => {
        this.#acting.delete(client);
      });
  }

  #failedAct(number: number, error: unknown): void {
    this.#world.note(`act ${number} failed: ${String(error)}`);
    if (!isExpected(error))
      this.violated(`I16 act ${number} failed: ${(error as Error)?.stack ?? String(error)}`);
  }
}

const callThrough: Intercept = (_attempt, call) => call();

function settingsOf(
  scenario: SimulatedScenario,
  intervals: Intervals,
  intercept: Intercept,
): ProcessSettings {
  const {
    queues = [''],
    jobs,
    machines,
    filters,
    choosers,
    conditions,
    retryPolicies,
    threadModule,
    threads,
  } = scenario;
  const { agent: settings = agent({ size: 2 }), install = () => {} } = scenario;
  return {
    options: {
      queues,
      intercept,
      ...(jobs && { jobs }),
      ...(machines && { machines }),
      ...(filters && { filters }),
      ...(choosers && { choosers }),
      ...(conditions && { conditions }),
      ...(retryPolicies && { retryPolicies }),
      ...(threadModule && { threadModule }),
      ...(threads && { threads }),
    },
    agent: settings,
    install,
    intervals,
  };
}
