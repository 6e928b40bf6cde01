export { compileChart } from '../index.ts';
export { type CopyOptions, copyAsTest } from '../reading/as-test/copy-as-test.ts';
export type { Import } from '../reading/as-test/imports.ts';
export { scheduleContract } from './contract/schedules.ts';
export { type ContractCheck, type MakeStore, storeContract } from './contract/store-contract.ts';
export {
  type CoverageCollection,
  type CoverageOptions,
  collectCoverage,
} from './coverage/collect-coverage.ts';
export {
  type CrashOptions,
  createTestBox,
  type ReopenOptions,
  type TestBox,
  type TestBoxOptions,
} from './create-test-box.ts';
export { type DrainOptions, drain, type InlineOptions, putInline } from './drain.ts';
export { echoLog, type LogEcho, type LogEchoOptions } from './echo-log.ts';
export type { ChartCoverage, CountedRow } from './explore/chart-coverage.ts';
export { type ExploreOptions, explore, type Way, WayError, type Ways } from './explore/explore.ts';
export type { PerturbationName } from './explore/perturbations.ts';
export { getPoll } from './get-poll.ts';
export { type MachinePaths, machinePaths } from './machine-paths/machine-paths.ts';
export type { PathsMode } from './machine-paths/model/choose.ts';
export type { MachineCoverage } from './machine-paths/model/coverage.ts';
export type { JobOutcome } from './machine-paths/model/outcomes.ts';
export type { MachineWay } from './machine-paths/model/tree.ts';
export type { MachinePathsOptions, PathJobs, PathMoment } from './machine-paths/path-options.ts';
export { actorModel } from './models/actor-model.ts';
export type { EventCause, GraphModel, WalkOptions } from './models/graph-model.ts';
export { jobModel } from './models/job-model.ts';
export { type ChildOutcome, type MachineModelOptions, machineModel } from './models/machine-model.ts';
export { type ThreadFate, VirtualThreads, type VirtualThreadsOptions } from './process/virtual-threads.ts';
export type { After } from './replay/after.ts';
export type { Divergence, ReplayedHistories } from './replay/divergences.ts';
export type { ActorStepMade, EventRefused } from './replay/machine-run.ts';
export { type Histories, replay } from './replay/replay.ts';
export type { DeedRefused, JobDeed, JobStory, ReplayedJob, ToldError } from './replay/replay-job.ts';
export type { MachineStory, ReplayedActor, StoryEvent } from './replay/replay-machine.ts';
export { type JobThen, type Moment, type QueueThen, type Timeline, timeline } from './replay/timeline.ts';
export type { SimulatedActorClient } from './simulate/cluster/actor-client.ts';
export type { SimulatedClient, SimulatedPutOptions } from './simulate/cluster/client.ts';
export type { SimulationReport } from './simulate/cluster/report.ts';
export type {
  SimulatedActor,
  SimulatedJob,
  SimulatedRun,
  SimulatedScenario,
} from './simulate/cluster/scenario.ts';
export { type SimulateOptions, SimulationError, simulate } from './simulate/simulate.ts';
export { allFaults, type SimulationFaults } from './simulate/world/faults.ts';
export type { SimulatedHost, SimulatedPeer, StoreHost } from './simulate/world/host.ts';
export { SeededRandom } from './simulate/world/random.ts';
export { simulatedJsonStore } from './simulate/world/simulated-json-store.ts';
export { TearDownError, type TearDownOptions, tearDownBox, tearDownDispatcher } from './tear-down.ts';
export { type Attachable, VirtualReactor, type VirtualReactorOptions } from './virtual-reactor.ts';
export { waitForDeactivation } from './wait-for-deactivation.ts';
export { waitForDeath } from './wait-for-death.ts';
export { type WaitOptions, waitForAnnotation, waitForResult, waitForStart } from './wait-for-job.ts';
export { type JobsWaitOptions, waitForJobs } from './wait-for-jobs.ts';
