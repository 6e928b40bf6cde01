import { Component } from 'preact';
import type { JobListName, JobRow } from '../../../protocol/jobs.ts';
import { go } from '../../app-state.ts';
import { moveFocus } from '../../browser.ts';
import { now } from '../../connection.ts';
import { durationText, instantText, numberText, shortId } from '../../format.ts';
import { useKeys } from '../../keys.ts';
import { State } from '../../parts/glyph.tsx';
import { SplitBar } from '../../parts/split-bar.tsx';
import { jobHash, pageHash } from '../../route.ts';
import { isBad } from '../../state.ts';
import type { Slot } from './blocks.ts';
import { scaleFor } from './scale.ts';
import type { Visible } from './visible.ts';

const whenNames: Readonly<Record<JobListName, string>> = {
  waiting: 'due',
  held: 'started',
  failed: 'ended',
  ended: 'ended',
  unplaced: 'due',
  quarantined: 'due',
};

/** Tables with more rows than that draw only those that can be seen. */
const mostDrawn = 200;

/** One line a job: where its time went on one scale, and why it is where it is. */
export function JobsTable(props: {
  readonly list: JobListName;
  readonly slots: readonly Slot[];
  readonly visible: Visible;
  /** How many there are in all; null: not known. */
  readonly count: number | null;
  /** Whether places are those in a queue: a filter leaves others out. */
  readonly hasPlaces: boolean;
  /** The job that is peeked at. */
  readonly peeked: string | null;
  readonly peek: (id: string) => void;
}) {
  const { list, slots, visible, hasPlaces } = props;
  useKeys({
    j: () => moveFocus('.jobs .rowlink', 1),
    k: () => moveFocus('.jobs .rowlink', -1),
  });
  const isLong = slots.length > mostDrawn;
  const from = isLong ? Math.min(visible.from, slots.length) : 0;
  const to = isLong ? Math.min(visible.to, slots.length) : slots.length;
  const drawn = slots.slice(from, to);
  // Bars of later pages do not change the scale of those that were seen.
  const scale = scaleFor(slots.slice(0, mostDrawn).flatMap(({ row }) => (row === null ? [] : lengthOf(row))));
  const saysWhy = slots.some(({ row }) => row !== null && row.why !== null);
  return (
    <table class={isLong ? 'table jobs long' : 'table jobs'} aria-rowcount={(props.count ?? -2) + 1}>
      <thead>
        <tr aria-rowindex={1}>
          {list === 'waiting' && <th class="fit num opt">place</th>}
          <th class="fit">{list === 'failed' || list === 'ended' ? 'ending' : 'state'}</th>
          <th class="c-task">task</th>
          <th class="fit opt roomy">id</th>
          <th class="fit opt">queue</th>
          <th class="fit num opt">tries</th>
          <th class="c-split opt">
            <span class="scale-head">
              {scale.ticks.map((tick) => (
                <span key={tick}>{tick}</span>
              ))}
            </span>
          </th>
          <th class="fit num opt roomy">in all</th>
          <th class="fit num opt">run</th>
          <th class="fit num">{whenNames[list]}</th>
          {saysWhy && <th class="c-err opt">why</th>}
        </tr>
      </thead>
      <tbody
        onKeyDown={(event) => {
          const id = idOf(event.target);
          if (event.key !== ' ' || id === null) return;
          event.preventDefault();
          props.peek(id);
        }}
        onFocusIn={({ target }) => {
          const id = idOf(target);
          if (id !== null && props.peeked !== null && props.peeked !== id) props.peek(id);
        }}
      >
        {isLong && <Gap rows={from} height={visible.rowHeight} />}
        {drawn.map(({ row, place }, index) =>
          row === null ? (
            <tr key={`${from + index}`} class="row">
              <td colspan={11} />
            </tr>
          ) : (
            <Row
              key={row.id}
              row={row}
              list={list}
              index={from + index}
              place={hasPlaces ? place : null}
              scaleMs={scale.ms}
              saysWhy={saysWhy}
              isPeeked={row.id === props.peeked}
            />
          ),
        )}
        {isLong && <Gap rows={slots.length - to} height={visible.rowHeight} />}
      </tbody>
    </table>
  );
}

/** The room of rows that are not drawn. */
function Gap({ rows, height }: { readonly rows: number; readonly height: number }) {
  return rows === 0 ? null : (
    <tr class="gap">
      <td colspan={11} style={{ height: `${rows * height}px` }} />
    </tr>
  );
}

function idOf(target: EventTarget | null): string | null {
  return target instanceof HTMLElement ? (target.dataset.job ?? null) : null;
}

interface RowProps {
  readonly row: JobRow;
  readonly list: JobListName;
  readonly index: number;
  readonly place: number | null;
  readonly scaleMs: number;
  readonly saysWhy: boolean;
  readonly isPeeked: boolean;
}

/** Drawn anew only when something of it has changed: while the table is scrolled, most rows are as they were. */
class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps): boolean {
    return (Object.keys(next) as (keyof RowProps)[]).some((key) => next[key] !== this.props[key]);
  }

  override render(props: RowProps) {
    return <Cells {...props} />;
  }
}

function Cells(props: RowProps) {
  const { row, list } = props;
  const when = whenOf(row, list);
  const hash = jobHash(row.id);
  return (
    <tr
      class="row"
      aria-rowindex={props.index + 2}
      aria-selected={props.isPeeked ? 'true' : undefined}
      onClick={() => go(hash)}
    >
      {list === 'waiting' && (
        <td class="fit num faint opt">{props.place === null ? '' : numberText(props.place)}</td>
      )}
      <td class="fit">
        <State state={row.state} ending={row.ending} />
      </td>
      <td class="task">
        <a class="rowlink" href={hash} data-job={row.id}>
          {row.name}
        </a>
      </td>
      <td class="fit id opt roomy" title={row.id}>
        {shortId(row.id, 10)}
      </td>
      <td class="fit opt">
        {row.queue === null ? (
          '–'
        ) : (
          <a href={pageHash('queues', row.queue)} onClick={(event) => event.stopPropagation()}>
            {row.queue === '' ? "''" : row.queue}
          </a>
        )}
      </td>
      <td class="fit num opt">{row.attempts}</td>
      <td class="opt">
        <SplitBar
          parts={row.life}
          scaleMs={props.scaleMs}
          end={row.ending === null ? null : isBad(row.ending) ? 'bad' : 'good'}
        />
      </td>
      <td class="fit num opt roomy">{row.totalMs === null ? '–' : durationText(row.totalMs)}</td>
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

function whenOf(row: JobRow, list: JobListName): number | null {
  if (list === 'failed' || list === 'ended') return row.endedAt;
  return list === 'held' ? row.startedAt : row.beginAfter;
}

function lengthOf({ life }: JobRow): number {
  return life.reduce((sum, { ms }) => sum + ms, 0);
}
