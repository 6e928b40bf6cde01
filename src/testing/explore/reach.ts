/** What is known about the lives of a scenario. */
export interface ReachFacts {
  /** Whether a row was taken, as `from event to`. */
  taken(row: string): boolean;
  readonly depth: number;
  /** Whether there is a job. */
  readonly hasJob: boolean;
  /** Whether there is a job for whose outcome no job and no actor waits. */
  readonly hasOwnJob: boolean;
  /** Whether a job has a callback. */
  readonly hasCallback: boolean;
  /** Whether a callback waits for a job. */
  readonly callbackWaits: boolean;
  /** Whether a job has a `beginBy` or a deadline. */
  readonly hasLastStart: boolean;
  /** Whether a job is claimed first, and started by a commit of its own. */
  readonly startsApart: boolean;
  /** Whether the code of a job has a time limit. */
  readonly hasTimeLimit: boolean;
  /** Whether the code of a job takes time. */
  readonly takesTime: boolean;
  /** Whether a job waits for a job, and whether one waits for a promise. */
  readonly waitsForJob: boolean;
  readonly waitsForPromise: boolean;
  /** Whether a job that waits for another has a deadline. */
  readonly waitsUntilDeadline: boolean;
}

/** Why a row cannot be reached by any perturbation of a scenario; null: it can. */
type Reach = (facts: ReachFacts) => string | null;

const because =
  (reason: string): Reach =>
  () =>
    reason;
const needs =
  (fact: keyof ReachFacts, reason: string): Reach =>
  (facts) =>
    facts[fact] === true ? null : reason;
const all =
  (...reaches: readonly Reach[]): Reach =>
  (facts) => {
    for (const reach of reaches) {
      const reason = reach(facts);
      if (reason !== null) return reason;
    }
    return null;
  };
/** The policy decides: one of the two ways, and not the other. */
const insteadOf =
  (row: string, reason: string): Reach =>
  ({ taken }) =>
    taken(row) ? reason : null;

const always = needs('hasJob', 'no job is put');
const ownCall = because('only a call of the program takes it');
const callback = needs('hasCallback', 'no job has a callback');
const lastStart = needs('hasLastStart', 'no job has a beginBy or a deadline');
const startsApart = needs('startsApart', 'every job starts with its claim');
const timeLimit = needs('hasTimeLimit', 'no job has a time limit');
const takesTime = needs('takesTime', 'no code takes time');
const waitsForJob = needs('waitsForJob', 'no job waits for another');
const waitsForPromise = needs('waitsForPromise', 'no job waits for a promise');
const callbackWaits = needs('callbackWaits', 'no callback waits for a job');
const twoSteps: Reach = ({ depth }) => (depth > 1 ? null : 'it takes two perturbations, one after the other');
const waits: Reach = ({ waitsForJob: forJob, waitsForPromise: forPromise }) =>
  forJob || forPromise ? null : 'no job waits';
const failedInQueue = because('the program fails no job that waits');
const givesUp = because('no policy gives up after one interruption');

/** The settings of a job: the program alone makes them, in whatever state the job is. */
const settings: { readonly [state: string]: readonly string[] } = {
  new: [
    'args.append',
    'args.set',
    'beginAfter.set',
    'beginBy.set',
    'callable.set',
    'priority.set',
    'quotaNames.set',
  ],
  pending: ['args.append', 'args.set', 'beginBy.set', 'keys.set', 'priority.set', 'quotaNames.set'],
  assigned: ['args.append', 'args.set'],
  'active.running': ['args.append'],
  'active.waiting': ['args.append'],
  'active.timingOut': ['args.append'],
  'active.cancelling': ['args.append'],
  callbacks: [],
  completed: [],
};
const everywhere = ['failureLogLevel.set', 'retryPolicy.set', 'tags.set'];

/** One line for each row of the chart of jobs: `from event to`. */
export const reachOfJobs: { readonly [row: string]: Reach } = {
  ...Object.fromEntries(
    Object.entries(settings).flatMap(([state, events]) =>
      [...events, ...everywhere].map((event) => [`${state} ${event} ${state}`, ownCall]),
    ),
  ),
  'new callback.move new': because('no callback was added to conditional callbacks'),
  'new job.cancel callbacks': callback,
  'new job.fail callbacks': lastStart,
  'new job.put pending': always,
  'new job.start active.running': callback,
  'pending job.cancel callbacks': always,
  'pending job.claim assigned': always,
  'pending job.defer pending': ownCall,
  'pending job.fail callbacks': ownCall,
  'pending job.pull new': needs('hasOwnJob', 'another waits for each job'),
  'assigned job.cancel callbacks': startsApart,
  'assigned job.fail callbacks': ownCall,
  'assigned job.start active.running': always,
  'assigned job.unassign pending': startsApart,
  'active.running callback.reset new': callback,
  'active.running job.abort callbacks': givesUp,
  'active.running job.cancel active.cancelling': takesTime,
  'active.running job.finish callbacks': always,
  'active.running job.handBack pending': takesTime,
  'active.running job.interrupt active.running': always,
  'active.running job.reschedule pending': always,
  'active.running job.retry active.running': because('no policy makes an attempt again at once'),
  'active.running job.snooze pending': because('no code snoozes'),
  'active.running job.timeout active.timingOut': timeLimit,
  'active.running job.wait active.waiting': because('no job waits'),
  'active.waiting callback.reset new': callbackWaits,
  'active.waiting job.abort callbacks': givesUp,
  'active.waiting job.cancel callbacks': waitsForJob,
  'active.waiting job.cancel active.cancelling': waitsForPromise,
  'active.waiting job.expire callbacks': needs(
    'waitsUntilDeadline',
    'no job with a deadline waits for another',
  ),
  'active.waiting job.finish callbacks': waits,
  'active.waiting job.interrupt active.waiting': waits,
  'active.waiting job.reschedule pending': waits,
  'active.waiting job.timeout active.timingOut': all(waitsForPromise, timeLimit),
  'active.timingOut callback.reset new': because('no callback runs into a time limit'),
  'active.timingOut job.cancel active.cancelling': all(timeLimit, twoSteps),
  'active.timingOut job.finish callbacks': all(
    timeLimit,
    insteadOf('active.timingOut job.reschedule pending', 'the policy tries again after a timeout'),
  ),
  'active.timingOut job.interrupt active.timingOut': all(timeLimit, twoSteps),
  'active.timingOut job.reschedule pending': all(
    timeLimit,
    insteadOf('active.timingOut job.finish callbacks', 'the policy does not try again after a timeout'),
  ),
  'active.cancelling job.cancelled callbacks': takesTime,
  'active.cancelling job.finish callbacks': because('code that is cancelled gives no value'),
  'active.cancelling job.interrupt active.cancelling': all(takesTime, twoSteps),
  'callbacks job.claim callbacks': failedInQueue,
  'callbacks job.complete completed': always,
  'callbacks job.interrupt callbacks': callback,
  'completed job.claim completed': failedInQueue,
  'completed job.file completed': failedInQueue,
};
