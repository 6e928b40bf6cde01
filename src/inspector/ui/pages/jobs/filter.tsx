import type { JobListName } from '../../../protocol/jobs.ts';
import { FilterField } from '../../parts/filter-field.tsx';

const orders: Readonly<Record<JobListName, string>> = {
  waiting: 'in claim order',
  held: 'longest first',
  failed: 'newest first',
  ended: 'newest first',
  unplaced: 'by id',
  quarantined: 'by id',
};

/** What to look for, and in which queue. */
export function Filter(props: {
  readonly list: JobListName;
  readonly words: string;
  readonly queue: string | null;
  readonly queues: readonly string[];
  readonly change: (next: { readonly words: string; readonly queue: string | null }) => void;
}) {
  const { list, words, queue, queues, change } = props;
  return (
    <div class="filter">
      <FilterField
        words={words}
        example="task:mail.*  error:ECONNRESET  tries:>2  run:>5s  -word"
        change={(next) => change({ words: next, queue })}
      />
      <label class="quiet nowrap pick">
        <span class="no-phone">queue</span>
        <select
          class="btn small"
          aria-label="Queue"
          value={queue ?? '\u0000'}
          onChange={({ currentTarget }) =>
            change({ words, queue: currentTarget.value === '\u0000' ? null : currentTarget.value })
          }
        >
          <option value={'\u0000'}>all</option>
          {queues.map((name) => (
            <option key={name} value={name}>
              {name === '' ? "''" : name}
            </option>
          ))}
        </select>
      </label>
      <span class="quiet nowrap no-phone">{orders[list]}</span>
    </div>
  );
}
