import { type JobContext, newJobContext } from '../../../machines/job.context.ts';
import type { JobEvent } from '../../../machines/job.events.ts';
import { jobMachine } from '../../../machines/job.machine.ts';
import { SignalboxError } from '../../errors.ts';
import { jobChart } from '../../model/jobs/machine-version.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { changeJob } from '../jobs/change-job.ts';
import type { HandleServices } from './services.ts';

type JobSnapshot = ReturnType<typeof jobMachine.resolveState>;

/** A live reference to a stored job, in the shape that XState's tools and `xstate/graph` know. */
export interface JobActorRef {
  readonly id: string;
  readonly sessionId: string;
  /** The snapshot as last seen. @throws SignalboxError `JOB_QUARANTINED`. */
  getSnapshot(): JobSnapshot;
  /** Calls the observer with every snapshot from now on. Fed by the journal. */
  subscribe(observer: (snapshot: JobSnapshot) => void): { unsubscribe(): void };
  /** Sends an event. Refused events reject, unlike XState's, which vanish. */
  send(event: JobEvent): Promise<void>;
}

/** Makes the reference. It costs nothing until it is subscribed. */
export function actorRefOf({ work, watch }: HandleServices, record: JobRecord): JobActorRef {
  let last = record;
  // A store may answer in any order: an older answer than the last is dropped.
  const refresh = async (): Promise<void> => {
    const now = await work.readChecked('job', record.id);
    if (now !== undefined && now.rev > last.rev) last = now;
  };
  return {
    id: record.id,
    sessionId: record.id,
    getSnapshot: () => snapshotOf(last),
    subscribe(observer) {
      let isOver = false;
      const notify = async (): Promise<void> => {
        await refresh();
        if (!isOver) await observer(snapshotOf(last));
      };
      const unsubscribe = watch.subscribe(record.id, () => {
        notify().catch((error: unknown) =>
          work.context.log.events(
            'ERROR',
            () => `an observer of job ${record.id} was not notified: ${String(error)}`,
          ),
        );
      });
      return {
        unsubscribe() {
          isOver = true;
          unsubscribe();
        },
      };
    },
    async send(event) {
      last = await changeJob(work, record.id, event);
    },
  };
}

/** @throws SignalboxError `JOB_QUARANTINED` of a job in a state that the chart does not have. */
function snapshotOf(record: JobRecord): JobSnapshot {
  if (!knownStates.has(record.state)) throw new SignalboxError('JOB_QUARANTINED', { id: record.id });
  const [parent, child] = record.state.split('.');
  const value = child === undefined ? record.state : { [parent ?? '']: child };
  const context = Object.fromEntries(contextKeys.map((key) => [key, record[key]]));
  return jobMachine.resolveState({ value: value as never, context: context as never });
}

const knownStates: ReadonlySet<string> = new Set(jobChart.states);

const contextKeys = Object.keys(newJobContext({ name: '' })) as readonly (keyof JobContext)[];
