/*
 * Room: handles.
 *
 * Owns: The objects that programs hold: jobs, callback proxies, queues, quotas, agents, representations,
 *   transactions, actor references. They are thin: a method finds the services of its runtime here and calls
 *   one function of a lower room.
 *
 * Invariant: A handle has no state of the runtime, only what the store answered last. One made in a larger
 *   commit writes into that commit while it is open, and directly afterwards.
 *
 * May import: environment, definitions, commits, jobs, execution, stops, callbacks, threads, agents,
 *   schedules, actors, dispatchers.
 */
import { SignalboxError } from '../../errors.ts';
import type { ActorServices } from '../actors/actor-service.ts';
import type { AgentRegistry } from '../agents/agent-registry.ts';
import type { ClaimDeps } from '../agents/claim-jobs.ts';
import type { CallbackRunner } from '../callbacks/callback-runner.ts';
import type { InterruptionDeps } from '../callbacks/interrupted-job.ts';
import type { JobWatch } from '../commits/job-watch.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import type { RepresentationCommands } from '../dispatchers/representation-commands.ts';
import type { Completer } from '../execution/completer.ts';
import type { RunSteps } from '../execution/run-steps.ts';
import type { JobHandles } from '../jobs/job-like.ts';
import type { AttemptLimits } from '../stops/attempt-limits.ts';
import type { OutsideRuns } from '../stops/outside-runs.ts';

/** What the objects that programs hold need of the runtime. */
export interface HandleServices extends InterruptionDeps, ClaimDeps {
  /** Each call through it is its own commit. */
  readonly work: UnitOfWork;
  readonly handles: JobHandles;
  readonly watch: JobWatch;
  /** The live agents of this process. */
  readonly agents: AgentRegistry;
  readonly callbacks: CallbackRunner;
  readonly completer: Pick<Completer, 'finishWithin'>;
  readonly steps: Pick<RunSteps, 'execute'>;
  readonly limits: Pick<AttemptLimits, 'beat'>;
  readonly outside: OutsideRuns;
  readonly representations: RepresentationCommands;
  readonly actors: ActorServices;
  /** How far joined jobs have come, by id of the job. */
  readonly joins: Map<string, { finished: number; put: number }>;
}

const provided = new WeakMap<RuntimeContext, HandleServices>();

/** Says what serves the handles of a runtime. The composition root calls it once. */
export function provideServices(context: RuntimeContext, services: HandleServices): void {
  provided.set(context, services);
}

/**
 * The services of a runtime, for its handles. A look-up, since `defineJob` makes jobs before any box exists: they learn their
 * runtime when they are put. It is above every service, so nothing below can reach another service through it.
 */
export function servicesOf(context: RuntimeContext): HandleServices {
  const services = provided.get(context);
  if (services === undefined) throw new SignalboxError('NOT_STARTED', { what: 'the Signalbox' });
  return services;
}
