import type {
  AnyStateMachine,
  InputFrom,
  OutputFrom,
  PromiseActorLogic,
  SnapshotFrom,
  StateMachine,
} from 'xstate';
import type { DurableLogic, ExternalEvent } from '../../index.ts';
import type { PerturbationName } from '../explore/perturbations.ts';
import type { SimulatedJob } from '../simulate/cluster/scenario.ts';
import type { JobsByName } from './life/path-life.ts';
import type { PathsMode } from './model/choose.ts';
import type { JobOutcome } from './model/outcomes.ts';

// biome-ignore-start lint/suspicious/noExplicitAny: the other parameters do not matter
type ActorOf<L> =
  L extends StateMachine<any, any, any, infer Actor, any, any, any, any, any, any, any, any, any, any>
    ? Actor
    : never;
// biome-ignore-end lint/suspicious/noExplicitAny: the other parameters do not matter

/** The names of the children of a machine that are jobs. */
type JobSrc<L> = JobActor<ActorOf<L>>['src'];

// Distributes over the actors of the machine.
type JobActor<Actor> = Actor extends { readonly src: string; readonly logic: infer Logic }
  ? Logic extends AnyStateMachine
    ? never
    : // biome-ignore lint/suspicious/noExplicitAny: whatever it takes and gives
      Logic extends PromiseActorLogic<any, any>
      ? Actor
      : never
  : never;

/** The outcomes that the jobs of a machine may have, by actor logic or by name of the job. */
export type PathJobs<L extends DurableLogic> = {
  readonly [Src in JobSrc<L>]?: readonly JobOutcome<OutputFrom<Extract<ActorOf<L>, { src: Src }>['logic']>>[];
} & { readonly [name: string]: readonly JobOutcome[] | undefined };

/** The events that a machine and its children may get from outside. */
type PathEvent<L extends DurableLogic> = ExternalEvent<L> | ChildEvent<ActorOf<L>>;

type ChildEvent<Actor> = Actor extends { readonly logic: infer Logic }
  ? Logic extends AnyStateMachine
    ? PathEvent<Logic>
    : never
  : never;

/** What a test of all paths sees after every commit. */
export interface PathMoment<L extends DurableLogic> {
  readonly snapshot: SnapshotFrom<L>;
  /** The jobs so far: by name, and those of children by the name of their actor logic as well. */
  readonly jobs: { readonly [Src in JobSrc<L>]: readonly SimulatedJob[] } & JobsByName;
}

/** The options of {@link machinePaths}. */
export type MachinePathsOptions<L extends DurableLogic> = StartOptions<InputFrom<L>> & {
  /** What comes from outside, for the machine and its children. Default: nothing. */
  readonly events?: readonly PathEvent<L>[];
  /**
   * The outcomes that each child which is a job may have, by the name of its actor logic or of the job. Their code is never called. A
   * job that is only put gives the first of its outcomes, by default nothing. An empty list: the child does not end.
   */
  readonly jobs?: PathJobs<L>;
  /** What is done to each path, at each of its commits. Default: nothing. */
  readonly perturb?: readonly PerturbationName[];
  /** Called after every commit that is synced. Throw for what must not be. */
  readonly invariant?: (now: PathMoment<L>) => void;
  /**
   * `transitions` takes every transition that can be reached at least once, `shortest` goes to every state by the shortest way, and
   * `simple` goes every way that meets no state twice. Default `transitions`.
   */
  readonly paths?: PathsMode;
  /** Where paths end. With `shortest` and `simple` all paths end there. Default: where nothing more can happen. */
  readonly until?: (snapshot: SnapshotFrom<L>) => boolean;
  /** The largest number of states, and of simple paths. More are refused. Default 1,000. */
  readonly limit?: number;
  /** What of the context tells one state from another, as text: it folds counters. Default: all of it. */
  readonly stateKey?: (snapshot: SnapshotFrom<L>) => string;
};

/** One input, or several: paths begin with each of them. */
type StartOptions<Input> =
  | (undefined extends Input
      ? { readonly input?: Input; readonly inputs?: never }
      : { readonly input: Input; readonly inputs?: never })
  | { readonly inputs: readonly Input[]; readonly input?: never };
