import type { JobListName, JobRow } from '../../../protocol/jobs.ts';
import { go } from '../../app-state.ts';
import { moveFocus } from '../../browser.ts';
import { now } from '../../connection.ts';
import { durationText, instantText, shortId } from '../../format.ts';
import { useKeys } from '../../keys.ts';
import { State } from '../../parts/glyph.tsx';
import { SplitBar } from '../../parts/split-bar.tsx';
import { jobHash } from '../../route.ts';
import { isBad } from '../../state.ts';
import { scaleFor } from './scale.ts';

const whenNames: Readonly<Record<JobListName, string>> = {
  waiting: 'due',
  held: 'started',
  failed: 'ended',
  ended: 'ended',
  unplaced: 'due',
  quarantined: 'due',
};

/** One line a job: where its time went on one scale, and why it is where it is. */
export function JobsTable({ list, rows }: { readonly list: JobListName; readonly rows: readonly JobRow[] }) {
  useKeys({
    j: () => moveFocus('.jobs .rowlink', 1),
    k: () => moveFocus('.jobs .rowlink', -1),
  });
  const scale = scaleFor(rows.map(lengthOf));
  const places = placesOf(rows);
  const saysWhy = rows.some(({ why }) => why !== null);
  return (
    <table class="table jobs">
      <thead>
        <tr>
          {list === 'waiting' && <th class="fit num opt">place</th>}
          <th class="fit">{list === 'failed' || list === 'ended' ? 'ending' : 'state'}</th>
          <th class="c-task">task</th>
          <th class="fit opt">id</th>
          <th class="fit opt">queue</th>
          <th class="fit num opt">tries</th>
          <th class="c-split opt">
            <span class="scale-head">
              {scale.ticks.map((tick) => (
                <span key={tick}>{tick}</span>
              ))}
            </span>
          </th>
          <th class="fit num opt">in all</th>
          <th class="fit num opt">run</th>
          <th class="fit num">{whenNames[list]}</th>
          {saysWhy && <th class="c-err opt">why</th>}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <Row
            key={row.id}
            row={row}
            list={list}
            place={places[index] ?? 0}
            scaleMs={scale.ms}
            saysWhy={saysWhy}
          />
        ))}
      </tbody>
    </table>
  );
}

function Row(props: {
  readonly row: JobRow;
  readonly list: JobListName;
  readonly place: number;
  readonly scaleMs: number;
  readonly saysWhy: boolean;
}) {
  const { row, list } = props;
  const when = whenOf(row, list);
  const hash = jobHash(row.id);
  return (
    <tr onClick={() => go(hash)}>
      {list === 'waiting' && <td class="fit num faint opt">{props.place}</td>}
      <td class="fit">
        <State state={row.state} ending={row.ending} />
      </td>
      <td class="task">
        <a class="rowlink" href={hash}>
          {row.name}
        </a>
      </td>
      <td class="fit id opt" title={row.id}>
        {shortId(row.id, 10)}
      </td>
      <td class="fit opt">{row.queue === '' ? "''" : (row.queue ?? '–')}</td>
      <td class="fit num opt">{row.attempts}</td>
      <td class="opt">
        <SplitBar
          parts={row.life}
          scaleMs={props.scaleMs}
          end={row.ending === null ? null : isBad(row.ending) ? 'bad' : 'good'}
        />
      </td>
      <td class="fit num opt">{row.totalMs === null ? '–' : durationText(row.totalMs)}</td>
      <td class="fit num opt">{row.runMs === null ? '–' : durationText(row.runMs)}</td>
      <td class="fit num">{when === null ? '–' : instantText(when, now.peek(), true)}</td>
      {props.saysWhy && (
        <td class="err" title={row.why ?? undefined}>
          {row.why}
        </td>
      )}
    </tr>
  );
}

/** The place of each row in its own queue. */
function placesOf(rows: readonly JobRow[]): readonly number[] {
  const counts = new Map<string | null, number>();
  return rows.map(({ queue }) => {
    const place = (counts.get(queue) ?? 0) + 1;
    counts.set(queue, place);
    return place;
  });
}

function whenOf(row: JobRow, list: JobListName): number | null {
  if (list === 'failed' || list === 'ended') return row.endedAt;
  return list === 'held' ? row.startedAt : row.beginAfter;
}

function lengthOf({ life }: JobRow): number {
  return life.reduce((sum, { ms }) => sum + ms, 0);
}
