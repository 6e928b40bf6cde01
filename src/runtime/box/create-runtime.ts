/*
 * Room: box.
 *
 * Owns: The life of a box: options, the supervisor, the composition root below, the public classes Signalbox
 *   and Dispatcher, and `local`, which knows all of them.
 *
 * Invariant: The supervisor's chart decides when the store is open. Nothing is claimed before recovery is
 *   done, and the store is closed only when every dispatcher is deactivated or the store has failed.
 *
 * May import: environment, definitions, commits, jobs, execution, stops, callbacks, threads, agents,
 *   schedules, actors, dispatchers, handles, builtin-jobs, in-thread. Only src/index.ts imports this room.
 */
import { ActorLines } from '../actors/actor-lines.ts';
import { carryOutEffect } from '../actors/carry-out.ts';
import { jobTaskOf } from '../actors/child-jobs.ts';
import { Delivery } from '../actors/delivery.ts';
import { EmitListeners } from '../actors/emit-listeners.ts';
import type { TurnDeps } from '../actors/make-turn.ts';
import { AgentRegistry } from '../agents/agent-registry.ts';
import { UnknownDefinitions } from '../agents/unknown-definitions.ts';
import { CallbackRunner } from '../callbacks/callback-runner.ts';
import { Committer } from '../commits/committer.ts';
import { JobWatch } from '../commits/job-watch.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import { AutocommitUnit } from '../commits/unit-of-work.ts';
import type { DispatcherDeps } from '../dispatchers/dispatcher-host.ts';
import type { LifecycleHooks } from '../dispatchers/lifecycle-hooks.ts';
import { OrphanRescue } from '../dispatchers/orphan-rescue.ts';
import { RepresentationCommands } from '../dispatchers/representation-commands.ts';
import type { ThreadPort } from '../environment/threads.ts';
import { Completer } from '../execution/completer.ts';
import { Executor } from '../execution/executor.ts';
import { LoopWatch } from '../execution/loop-watch.ts';
import { OutcomeWaits } from '../execution/outcome-waits.ts';
import { Retrier } from '../execution/retrier.ts';
import { CommitRetries } from '../execution/retry-commit.ts';
import { RetryPolicies } from '../execution/retry-policies.ts';
import type { CallbackSteps, RunSteps } from '../execution/run-steps.ts';
import { promiseJobOf } from '../handles/actors/register-machine.ts';
import { Job } from '../handles/job.ts';
import { type HandleServices, provideServices } from '../handles/services.ts';
import { serveThread } from '../in-thread/serve-thread.ts';
import type { JobHandles } from '../jobs/job-like.ts';
import { Ticker } from '../schedules/ticker.ts';
import { AttemptLimits } from '../stops/attempt-limits.ts';
import { OutsideRuns } from '../stops/outside-runs.ts';
import { PutOffs } from '../stops/put-offs.ts';
import { Stops } from '../stops/stops.ts';
import { AttemptEnds } from '../threads/attempt-ends.ts';
import { Threads } from '../threads/threads.ts';

/** What a runtime is made with beside its ports. */
export interface RuntimeLinks {
  /** A queue may hold work: the supervisor lets its agents look. */
  offerWork(queue: string, isLater: boolean): void;
  /** Asks the store anew when something becomes due. */
  planDue(): void;
  /** False once the box stops. */
  isRunning(): boolean;
  /** The clock of this process, in epoch milliseconds. */
  now(): number;
  /** Where threads come from. */
  readonly threads: ThreadPort;
  /** The hooks and listeners of the program, on a unit whose calls are their own commits. */
  hooksOn(work: AutocommitUnit): LifecycleHooks;
}

/** The parts of a running box. */
export interface Runtime extends DispatcherDeps, HandleServices {
  readonly context: RuntimeContext;
  readonly executor: Executor;
  readonly waits: OutcomeWaits;
  readonly policies: RetryPolicies;
  readonly loopWatch: LoopWatch;
  readonly stops: Stops;
  readonly threads: Threads;
  readonly ticker: Ticker;
  readonly delivery: Delivery;
}

/** How programs see jobs. */
const handles: JobHandles = {
  of: (work, record, known) => Job.of(work, record, known),
  reference: (work, id) => Job.reference(work, id),
};

/**
 * The composition root: makes all parts of a runtime and joins them. The only place that knows every part; each part knows
 * the interfaces that it or a lower room owns.
 *
 * Executor, completer, retrier and waits call each other through `steps`, whose closures are read when they are called: so
 * the order in which the parts are made does not matter.
 */
export function createRuntime(context: RuntimeContext, links: RuntimeLinks): Runtime {
  const agents = new AgentRegistry();
  const steps: RunSteps = {
    execute: (run) => executor.execute(run),
    finish: (run, outcome, awaited) => completer.finish(run, outcome, awaited),
    continueAfter: (run, ending) => completer.continueAfter(run, ending),
    retry: (run, failure, cause, masked) => retrier.ask(run, failure, cause, masked),
    wait: (run, on, inner, waiting) => waits.wait(run, on, inner, waiting),
    abort: (run, error) => completer.abort(run, error),
    giveUp: (run, error) => completer.giveUp(run, error),
    watchLimits: (run) => limits.watch(run),
    stopped: (run, error) => stops.stopped(run, error),
    putOff: (run, snooze) => putOffs.putOff(run, snooze),
    handBack: (run, error) => putOffs.handBack(run, error),
  };
  const callbackSteps: CallbackSteps = {
    perform: (at, job, done) => callbacks.perform(at, job, done),
    performFor: (job, within) => callbacks.performFor(job, within),
    resume: (job, within) => callbacks.resume(job, within),
  };
  const committer = new Committer(context, {
    workAvailable: links.offerWork,
    outcomesWritten: (jobs) => waits.announce(jobs),
    stopRequested: (job) => stops.request(job),
    mailAvailable: (actor, machine) => delivery.mailFor(actor, machine),
    slotFreed: (place) => agents.at(place)?.slotFreed(),
  });
  const work = new AutocommitUnit(committer);
  const policies = new RetryPolicies(context);
  const retries = new CommitRetries(context, steps);
  const loopWatch = new LoopWatch(
    context,
    () => links.now(),
    () => agents.running(),
  );
  const executor = new Executor({ work, handles, callbacks: callbackSteps, steps, loopWatch });
  const completer = new Completer({ committer, policies, retries, callbacks: callbackSteps, steps });
  const retrier = new Retrier({ committer, policies, retries, steps });
  const waits = new OutcomeWaits({ committer, retries, callbacks: callbackSteps, steps });
  const outside = new OutsideRuns();
  const callbacks = new CallbackRunner({ work, handles, policies, waits, steps, outside });
  const limits = new AttemptLimits(committer, (job) => stops.request(job));
  const putOffs = new PutOffs({ committer, retries, steps });
  const stops = new Stops({
    context,
    steps,
    *runs() {
      yield* agents.runs();
      yield* outside;
    },
  });
  const threads = new Threads({
    committer,
    port: links.threads,
    ends: new AttemptEnds({ committer, handles, callbacks }),
    beat: (run) => limits.beat(run),
    serve: (box) => (channel, exports) => {
      const { reactor, ids, random, now } = context;
      serveThread({ module: context.threadModule ?? '', box }, channel, exports, {
        ...{ reactor, elapsed: now, ids, random },
      });
    },
  });
  const { machines } = context.registry;
  const emitted = new EmitListeners((error) =>
    context.log.events('ERROR', () => `a listener of an actor failed: ${String(error)}`),
  );
  const turns: TurnDeps = {
    ...{ work, handles, machines },
    jobTask: (actor, machine, effect) =>
      jobTaskOf({ callbacks: callbackSteps, promiseJob: promiseJobOf }, actor, machine, effect),
    carryOut: (actor, effect) => carryOutEffect({ log: context.log, emitted }, actor, effect),
    planDue: links.planDue,
  };
  const lines = new ActorLines({
    ...turns,
    committer,
    isRunning: () => delivery.isRunning,
  });
  const delivery = new Delivery({ context, machines, lines, planDue: links.planDue });
  const abortRuns = agents.abortRuns.bind(agents);
  const runtime: Runtime = {
    context,
    work,
    committer,
    handles,
    policies,
    steps,
    executor,
    loopWatch,
    completer,
    waits,
    stops,
    ticker: new Ticker({ work, callbacks, planDue: links.planDue, isRunning: links.isRunning }),
    limits,
    outside,
    callbacks,
    agents,
    actors: { machines, lines, emitted, turns },
    delivery,
    threads,
    abortRuns,
    orphans: new OrphanRescue({ committer, policies, waits, callbacks }),
    representations: new RepresentationCommands({ work, hooks: links.hooksOn(work), abortRuns }),
    watch: new JobWatch(context.store, context.reactor),
    skipped: new Set(),
    unknown: new UnknownDefinitions(context),
    planDue: links.planDue,
    joins: new Map(),
  };
  provideServices(context, runtime);
  return runtime;
}
