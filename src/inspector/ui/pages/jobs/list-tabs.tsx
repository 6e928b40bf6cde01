import type { Count } from '../../../protocol/answer.ts';
import type { JobListName } from '../../../protocol/jobs.ts';
import { numberText } from '../../format.ts';
import { Empty } from '../../parts/messages.tsx';
import { jobsHash } from '../../route.ts';

/** What the lists are called. */
export const listNames: Readonly<Record<JobListName, string>> = {
  waiting: 'Waiting',
  held: 'Held',
  failed: 'Failed',
  ended: 'Ended',
  unplaced: 'Unplaced',
  quarantined: 'Quarantine',
};

/** The six lists with the length of each. */
export function ListTabs(props: {
  readonly list: JobListName;
  readonly queue: string | null;
  readonly counts: Readonly<Record<JobListName, Count>> | null;
}) {
  return (
    <nav class="tabs" aria-label="Lists">
      {(Object.keys(listNames) as JobListName[]).map((name) => {
        const count = props.counts?.[name];
        const isBad = (name === 'failed' || name === 'quarantined') && (count?.n ?? 0) > 0;
        return (
          <a
            key={name}
            href={jobsHash(name, props.queue)}
            aria-current={name === props.list ? 'page' : undefined}
          >
            {listNames[name]}
            {count !== undefined && (
              <span class={isBad ? 'n fails' : 'n'}>
                {numberText(count.n)}
                {count.more ? '+' : ''}
              </span>
            )}
          </a>
        );
      })}
    </nav>
  );
}

const empties: Readonly<Record<JobListName, readonly [title: string, hint: string, call: string | null]>> = {
  waiting: ['Nothing waits.', 'Put a job:', "await box.queue().put(send('ada@example.org'))"],
  held: ['No agent holds a job.', 'Agents claim while their dispatcher is at work:', 'await box.start()'],
  failed: ['No job has failed.', 'Those that failed, were aborted or expired are listed here.', null],
  ended: ['No job has ended.', 'Jobs are kept here for a time once they are over.', null],
  unplaced: [
    'Every job has a place.',
    'A job that is stored and not put is listed here:',
    'await box.storeNew(send())',
  ],
  quarantined: ['Nothing is in quarantine.', 'Jobs that this version cannot read are kept here.', null],
};

/** What would be in a list that is empty. */
export function EmptyList({
  list,
  isFiltered,
}: {
  readonly list: JobListName;
  readonly isFiltered: boolean;
}) {
  const [title, hint, call] = empties[list];
  if (isFiltered) return <Empty title="No job passes the filter.">Among those that were looked at.</Empty>;
  return (
    <Empty title={title}>
      {hint}
      {call !== null && <code>{call}</code>}
    </Empty>
  );
}
