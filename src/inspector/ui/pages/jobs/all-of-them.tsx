import type { ManyJobs } from '../../../protocol/actions.ts';
import type { JobListName } from '../../../protocol/jobs.ts';
import { type Act, ActButton } from '../../parts/act.tsx';
import { manyOf } from './many.ts';

/** What can be done to all jobs of a list and a filter. Not there for a filter that only a page understands. */
export function AllOfThem(props: {
  readonly list: JobListName;
  readonly queue: string | null;
  readonly words: string;
}) {
  const filter = manyOf(props);
  if (filter === null) return null;
  return props.list === 'failed' ? (
    <ActButton isSmall act={retryOf(filter)} label="Retry all…" />
  ) : (
    <ActButton isSmall act={cancelOf(filter)} label="Cancel all…" />
  );
}

const how =
  'A job does it, 500 at a time; its page shows how far it is. Jobs that are put later are left alone.';

function cancelOf(filter: ManyJobs['filter']): Act {
  return {
    ...{ action: 'bulk', target: 'cancel', filter, isFinal: true },
    ...{ question: 'Cancel all of them?', verb: 'Cancel them all', does: [how, 'It cannot be taken back.'] },
  };
}

function retryOf(filter: ManyJobs['filter']): Act {
  return {
    ...{ action: 'bulk', target: 'retry', filter },
    ...{
      question: 'Try all of them again?',
      verb: 'Put them again',
      does: [how, 'Each is put again as a new job.'],
    },
  };
}
