import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { JournalLine } from '../../../protocol/timeline.ts';
import { isInUse, moveFocus } from '../../browser.ts';
import { now } from '../../connection.ts';
import { clockText, instantText, numberText, processName, secondsText, shortId } from '../../format.ts';
import { useKeys } from '../../keys.ts';
import { State } from '../../parts/glyph.tsx';
import { Empty, ProblemBox, Skeleton } from '../../parts/messages.tsx';
import { covers, type LogRow, type LogRows, newerThan, newestOf, rowsOf } from './log-model.ts';
import { type ReadLog, useLog } from './use-log.ts';

/** Rows that are drawn beyond what is seen, and rows before the end at which the next page is read. */
const [beyond, ahead] = [12, 60];

/** The journal, newest first, one line an entry. Only the rows that are seen are on the page. */
export function LogView(props: {
  readonly text: string;
  readonly isFiltered: boolean;
  readonly at: number | null;
  readonly select: (seq: number) => void;
}) {
  const { at } = props;
  const read = useLog(props.text, at);
  const isScrolled = useRef(false);
  const { rows, fresh, showFresh } = useHeld(read, isScrolled.current);
  const view = useWindow(rows.length);
  isScrolled.current = view.top > 0;
  const revealed = useRef({ what: '', place: -1, top: 0 });
  const place = useMemo(() => (at === null ? -1 : rows.placeOf(at)), [at, rows]);
  useEffect(() => {
    // One that was chosen here is seen already.
    const what = `${at} ${view.rowHeight}`;
    if (at === null || place < 0 || !covers(read.log, at)) return;
    const { current } = revealed;
    // It stays in sight while rows come before it, until a person scrolls.
    const isSeen = current.what === what && (current.place === place || current.top !== view.topNow());
    if (!isSeen) revealed.current = { what, place, top: view.reveal(place) };
  }, [at, place, view.rowHeight]);
  const select = (seq: number): void => {
    revealed.current = { what: `${seq} ${view.rowHeight}`, place: -1, top: -1 };
    props.select(seq);
  };
  const { page, log } = read;
  useKeys({
    n: showFresh,
    j: () => moveFocus('.log .entry', 1),
    k: () => moveFocus('.log .entry', -1),
  });
  useEffect(() => {
    if (log.next !== null && view.last > rows.length - ahead && rows.length > 0) read.load(log.next);
  }, [log.next, view.last, rows.length]);
  if (page === null)
    return read.problem === null ? <Skeleton /> : <ProblemBox problem={read.problem} again={read.again} />;
  const shown = Array.from({ length: view.last - view.first }, (_, index) => rows.at(view.first + index));
  return (
    <>
      {read.problem !== null && <ProblemBox problem={read.problem} again={read.again} />}
      <div class="bar">
        <h2 class="label">Log</h2>
        <span class="mono quiet">{sumText(read, rows)}</span>
        <span class="end">
          {fresh.n > 0 && (
            <button type="button" class="fresh" onClick={showFresh}>
              {numberText(fresh.n)}
              {fresh.more ? '+' : ''} new <kbd>n</kbd>
            </button>
          )}
        </span>
      </div>
      <div class="loghead" aria-hidden="true">
        <span class="num">seq</span>
        <span>at</span>
        <span>event</span>
        <span>then</span>
        <span>of</span>
        <span>note</span>
        <span>by</span>
      </div>
      {rows.length === 0 && (
        <Empty title={props.isFiltered ? 'No entry passes the filter.' : 'Nothing was written yet.'}>
          {props.isFiltered
            ? `Among the ${numberText(page.looked)} entries that were looked at.`
            : 'Each change of a job, a queue or a quota is an entry here.'}
        </Empty>
      )}
      <div
        class={rows.length === 0 ? 'log none' : 'log'}
        ref={view.box}
        onScroll={view.scrolled}
        role="listbox"
        aria-label="Entries, newest first"
        tabIndex={0}
      >
        <div class="log-all" style={{ height: `${rows.length * view.rowHeight}px` }} role="presentation">
          <div role="presentation" style={{ transform: `translateY(${view.first * view.rowHeight}px)` }}>
            {shown.map((row, index) =>
              row === undefined ? null : row.is === 'gap' ? (
                <Gap key={`g${row.before}`} row={row} load={read.load} />
              ) : (
                <Line
                  key={row.line.seq}
                  line={row.line}
                  place={view.first + index + 1}
                  of={rows.length}
                  afterMs={row.afterMs}
                  isSelected={row.line.seq === at}
                  isLater={at !== null && row.line.seq > at}
                  select={select}
                />
              ),
            )}
          </div>
        </div>
      </div>
      <p class="pad faint small list-end">
        {log.next === null
          ? `History begins at seq ${numberText(page.keptFrom)}.`
          : read.isLoading
            ? 'Reads older entries.'
            : ''}
        {log.next !== null && page.isCut && !read.isLoading && (
          <>
            Looked back to seq {numberText(log.next)}.
            <button type="button" class="btn small" onClick={() => log.next !== null && read.load(log.next)}>
              Look further
            </button>
          </>
        )}
      </p>
    </>
  );
}

function sumText({ log }: ReadLog, { length, missing }: LogRows): string {
  const [top, last] = [log.stretches[0], log.stretches.at(-1)];
  return [
    `${numberText(length)} entries of seq ${numberText(last?.from ?? 0)} – ${numberText(top?.to ?? 0)}`,
    ...(missing === 0
      ? []
      : [`sampled: ${missing === null ? 'some' : numberText(missing)} between were not read`]),
  ].join(' · ');
}

/** Rows stay where they are while a person points at them, has one in focus, or reads further down. */
function useHeld({ log }: ReadLog, isScrolled: boolean) {
  const [held, setHeld] = useState<number | null>(null);
  const newest = newestOf(log);
  const shownTo = useRef(0);
  const isUsed = isScrolled || isInUse('.log');
  const isHeld = shownTo.current > 0 && isUsed;
  const until = held ?? (isHeld ? shownTo.current : null);
  // A scroll draws other rows, and must not make all of them again.
  const rows = useMemo(() => rowsOf(log, until), [log, until]);
  useEffect(() => {
    if (isUsed && held === null && shownTo.current > 0) setHeld(shownTo.current);
    else if (!isUsed && held !== null) setHeld(null);
    if (until === null) shownTo.current = newest;
  }, [newest]);
  return {
    rows,
    fresh: until === null ? { n: 0, more: false } : newerThan(log, until),
    showFresh: () => {
      shownTo.current = newest;
      setHeld(newest);
    },
  };
}

/** Which rows are seen. */
function useWindow(count: number) {
  const box = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState({ top: 0, height: 600, rowHeight: 24 });
  const measure = (): void => {
    const { current } = box;
    if (current === null) return;
    const rowHeight = current.querySelector('.entry')?.clientHeight ?? 24;
    const found = { top: current.scrollTop, height: current.clientHeight, rowHeight };
    if (found.top !== place.top || found.height !== place.height || found.rowHeight !== place.rowHeight)
      setPlace(found);
  };
  useLayoutEffect(measure, [count]);
  const reveal = (row: number): number => {
    if (box.current === null) return 0;
    box.current.scrollTop = Math.max(0, (row - 6) * place.rowHeight);
    return box.current.scrollTop;
  };
  const first = Math.max(0, Math.floor(place.top / place.rowHeight) - beyond);
  const last = Math.min(count, Math.ceil((place.top + place.height) / place.rowHeight) + beyond);
  return {
    box,
    scrolled: measure,
    first: Math.min(first, last),
    last,
    rowHeight: place.rowHeight,
    top: place.top,
    // What was scrolled in this moment is not measured yet.
    topNow: () => box.current?.scrollTop ?? 0,
    reveal,
  };
}

function Gap({
  row,
  load,
}: {
  readonly row: LogRow & { readonly is: 'gap' };
  readonly load: (before: number) => void;
}) {
  return (
    <div class="entry gap-row" role="option" aria-selected={false} tabIndex={-1}>
      <button type="button" class="btn small" tabIndex={-1} onClick={() => load(row.before)}>
        {row.entries === null ? 'Entries' : `${numberText(row.entries)} entries`} between were not read
      </button>
    </div>
  );
}

function Line(props: {
  readonly line: JournalLine;
  readonly place: number;
  readonly of: number;
  readonly afterMs: number | null;
  readonly isSelected: boolean;
  readonly isLater: boolean;
  readonly select: (seq: number) => void;
}) {
  const { line, isSelected, isLater, afterMs } = props;
  const stays = line.from === line.to && !line.isGone;
  const classes = ['entry', stays ? 'stays' : '', isLater ? 'later' : ''].filter((name) => name !== '');
  const since = afterMs === null ? '' : `, ${secondsText(afterMs)} s after the one before`;
  return (
    <div
      role="option"
      aria-selected={isSelected}
      aria-posinset={props.place}
      aria-setsize={props.of}
      tabIndex={-1}
      class={classes.join(' ')}
      title={`${instantText(line.at, now.peek(), true)}${since}`}
      onClick={() => props.select(line.seq)}
      onKeyDown={({ key }) => {
        if (key === 'Enter' || key === ' ') props.select(line.seq);
      }}
    >
      <span class="n">{numberText(line.seq)}</span>
      <span class={afterMs !== null && afterMs >= 1000 ? 'at gap' : 'at'}>{clockText(line.at, true)}</span>
      <span class="ev">{line.event}</span>
      <Then line={line} />
      <span class="of">
        {line.name ?? line.kind}{' '}
        <span class="faint">{line.name === null ? idText(line) : shortId(idText(line), 10)}</span>
      </span>
      <span class="note">{line.note}</span>
      <span class="by" title={line.by}>
        {processName(line.by)}
      </span>
    </div>
  );
}

/** The state after it. Only jobs have the states that have a sign. */
function Then({ line }: { readonly line: JournalLine }) {
  if (line.isGone) return <span class="st">gone</span>;
  if (line.to === null) return <span class="st" />;
  if (line.kind !== 'job')
    return <span class="st st-other">{line.from === line.to ? 'stays' : line.to}</span>;
  return <State state={line.to} ending={line.ending} {...(line.from === line.to ? { word: 'stays' } : {})} />;
}

/** The end of the id of a record that belongs to a process: its UUID says little. */
function idText({ id, kind }: JournalLine): string {
  if (id === '') return "''";
  if (kind !== 'representation' && kind !== 'agent') return id;
  const [queue = '', uuid = '', agent] = id.split('/');
  return [queue === '' ? "''" : queue, processName(uuid), ...(agent === undefined ? [] : [agent])].join('/');
}
