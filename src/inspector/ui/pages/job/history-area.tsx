import type { Signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import type { EndingName } from '../../../protocol/explanation.ts';
import type { HistoryLine, HistoryView, JobView } from '../../../protocol/job.ts';
import { edgeKey } from '../../chart/edge-key.ts';
import type { Way } from '../../chart/way.ts';
import { token } from '../../connection.ts';
import { clockText, numberText, processName, secondsText } from '../../format.ts';
import { State } from '../../parts/glyph.tsx';
import { question } from '../../source/answers.ts';

/** How a job got where it is: one line an entry, with the time since the line before. */
export function HistoryArea(props: {
  readonly id: string;
  readonly view: JobView;
  readonly way: Way;
  readonly lit: Signal<string | null>;
  readonly select: (seq: number | null) => void;
}) {
  const { view, way, lit, select } = props;
  const { history } = view;
  const [onlyMoves, setOnlyMoves] = useState(false);
  const older = useOlder(props.id, history);
  const all = [...older.lines, ...history.lines];
  const shown = onlyMoves ? all.filter(({ from, to }) => from !== to) : all;
  const newest = history.lines.at(-1)?.seq;
  const first = all[0]?.seq;
  // Of the newest line that says it: the view may be of an earlier moment.
  const ending = all.findLast((line) => line.ending !== null)?.ending ?? view.ending;
  return (
    <>
      <div class="bar">
        <h2 class="label">History</h2>
        <span class="mono quiet">
          {way.isPast ? `${all.findIndex(({ seq }) => seq === way.line?.seq) + 1} of ` : ''}
          {numberText(history.count)}
        </span>
        <span class="end">
          <label class="check">
            <input
              type="checkbox"
              checked={onlyMoves}
              onChange={({ currentTarget }) => setOnlyMoves(currentTarget.checked)}
            />
            only moves
          </label>
        </span>
      </div>
      <div class="colhead" aria-hidden="true">
        <span />
        <span class="num">after, s</span>
        <span>event</span>
        <span>then</span>
      </div>
      {older.more !== null && (
        <button type="button" class="btn small older" onClick={older.load}>
          Older entries
        </button>
      )}
      {history.isCut && older.more === null && (
        <p class="pad faint small">
          History begins at seq {numberText(history.keptFrom)}; this job is older.
        </p>
      )}
      <div class="hist-wrap">
        <div class="hist" role="listbox" aria-label="History, one line an entry" tabIndex={-1}>
          {shown.map((line) => (
            <Line
              key={line.seq}
              line={line}
              number={history.count - all.length + all.indexOf(line) + 1}
              isFirst={line.seq === first}
              isSelected={line.seq === way.line?.seq}
              isLater={way.isPast && line.seq > (way.line?.seq ?? 0)}
              edge={line.edge === null ? null : keyOf(view, line.edge)}
              ending={ending}
              lit={lit}
              select={() => select(line.seq === newest ? null : line.seq)}
            />
          ))}
        </div>
      </div>
    </>
  );
}

function keyOf(view: JobView, edge: number): string | null {
  const taken = view.taken[edge];
  return taken === undefined ? null : edgeKey(taken);
}

function Line(props: {
  readonly line: HistoryLine;
  readonly number: number;
  readonly isFirst: boolean;
  readonly isSelected: boolean;
  readonly isLater: boolean;
  readonly edge: string | null;
  /** How the job ended, for the line that completes it: an earlier one may have brought it. */
  readonly ending: EndingName | null;
  readonly lit: Signal<string | null>;
  readonly select: () => void;
}) {
  const { line, edge, lit, isSelected } = props;
  const stays = line.from === line.to;
  const classes = [
    'entry',
    stays ? 'stays' : '',
    props.isLater ? 'later' : '',
    edge !== null && lit.value === edge ? 'lit' : '',
  ];
  return (
    <div
      role="option"
      aria-selected={isSelected}
      tabIndex={isSelected ? 0 : -1}
      class={classes.filter((name) => name !== '').join(' ')}
      title={`seq ${numberText(line.seq)}, ${clockText(line.at, true)}`}
      onClick={props.select}
      onKeyDown={({ key }) => {
        if (key === 'Enter' || key === ' ') props.select();
      }}
      onPointerEnter={() => {
        lit.value = edge;
      }}
      onPointerLeave={() => {
        lit.value = null;
      }}
    >
      <span class="n">{props.number}</span>
      <Since line={line} isFirst={props.isFirst} />
      <span class="ev">
        {line.event}
        <span class="by" title={line.by}>
          {processName(line.by)}
        </span>
      </span>
      <State
        state={line.to ?? ''}
        ending={line.to === 'completed' ? props.ending : line.ending}
        {...(stays ? { word: 'stays' } : line.to === null ? { word: 'gone' } : {})}
      />
      {line.note !== null && <span class="note">{line.note}</span>}
    </div>
  );
}

/** Gaps over a second are set darker. */
function Since({ line, isFirst }: { readonly line: HistoryLine; readonly isFirst: boolean }) {
  if (isFirst || line.afterMs === null) return <span class="at">{clockText(line.at)}</span>;
  return <span class={line.afterMs >= 1000 ? 'at gap' : 'at'}>+{secondsText(line.afterMs)}</span>;
}

/** Pages of older lines, when a person asks for them. */
function useOlder(
  id: string,
  newest: HistoryView,
): { readonly lines: readonly HistoryLine[]; readonly more: number | null; readonly load: () => void } {
  const [pages, setPages] = useState<readonly HistoryView[]>([]);
  const more = (pages[0] ?? newest).before;
  return {
    lines: pages.flatMap(({ lines }) => lines),
    more,
    load: () => {
      const path = `jobs/${encodeURIComponent(id)}/history?before=${more}`;
      void question<HistoryView>(path, token).then((outcome) => {
        if (outcome.is === 'answer') setPages([outcome.answer.data, ...pages]);
      });
    },
  };
}
