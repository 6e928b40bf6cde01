import { useEffect, useState } from 'preact/hooks';
import type { EntryView, JournalLine } from '../../../protocol/timeline.ts';
import { announcement } from '../../app-state.ts';
import { addressHash, copyText, linkTo } from '../../browser.ts';
import { now, shownMoment } from '../../connection.ts';
import { instantText, numberText, processName, shortId } from '../../format.ts';
import { Change } from '../../parts/change.tsx';
import { State } from '../../parts/glyph.tsx';
import { Skeleton } from '../../parts/messages.tsx';
import { jobHash, momentHash } from '../../route.ts';
import { usePresent } from '../../source/live.ts';

/** One entry: what it is, what it changed, and what was committed with it. */
export function EntryPane({ seq, select }: { readonly seq: number; readonly select: (seq: number) => void }) {
  const entry = usePresent<EntryView>(`journal/${seq}`).answer.value?.data ?? null;
  const at = entry?.line?.at;
  useEffect(() => {
    // The rest of the page is of the present, so the instant of the moment is that of its entry.
    shownMoment.value = at === undefined ? null : { seq, at };
    return () => {
      shownMoment.value = null;
    };
  }, [seq, at]);
  return (
    <>
      <div class="bar">
        <h2 class="label">Entry</h2>
        <span class="mono quiet">{numberText(seq)}</span>
        <span class="end">{entry?.line != null && <Copy entry={entry} seq={seq} />}</span>
      </div>
      {entry === null && <Skeleton />}
      {entry?.missing != null && <p class="pad quiet">{entry.missing}</p>}
      {entry?.line != null && <Known entry={entry} line={entry.line} select={select} />}
    </>
  );
}

function Known(props: {
  readonly entry: EntryView;
  readonly line: JournalLine;
  readonly select: (seq: number) => void;
}) {
  const { entry, line, select } = props;
  const { changes, hidden, commit, more } = entry;
  return (
    <>
      <dl class="kv pad">
        <Fact name="at">{instantText(line.at, now.peek(), true)}</Fact>
        <Fact name="of">
          {line.kind} <Subject line={line} />
        </Fact>
        {line.name !== null && <Fact name="task">{line.name}</Fact>}
        <Fact name="event">
          <b>{line.event}</b>
        </Fact>
        {line.from !== null && (
          <Fact name="from">
            <StateOf line={line} state={line.from} ending={null} />
          </Fact>
        )}
        {line.to !== null && (
          <Fact name="to">
            <StateOf line={line} state={line.to} ending={line.ending} />
          </Fact>
        )}
        {line.isGone && <Fact name="to">gone: the record is dropped</Fact>}
        <Fact name="by">
          <span title={line.by}>{processName(line.by)}</span>
          {line.epoch === null ? '' : `#${line.epoch}`}
        </Fact>
        {entry.charts[0] !== undefined && <Fact name="chart">{chartOf(entry, line)}</Fact>}
        {entry.rev !== null && (
          <Fact name="rev">
            {entry.rev - 1} → {entry.rev}
          </Fact>
        )}
      </dl>
      <div class="bar rule">
        <h2 class="label">Changed</h2>
      </div>
      <div class="diff">
        {hidden !== null && <p class="pad quiet">Not shown: {hidden}.</p>}
        {hidden === null && changes.length === 0 && <p class="pad quiet">No data changed.</p>}
        {changes.map((change) => (
          <Change key={change.key} change={change} />
        ))}
      </div>
      <div class="bar rule">
        <h2 class="label">In the same commit</h2>
        <span class="mono quiet">{numberText(commit.length + more)}</span>
      </div>
      <ol class="commit" aria-label="Entries of the same commit">
        {commit.map((other) => (
          <li key={other.seq} class={other.seq === line.seq ? 'picked' : ''}>
            <a
              href={momentHash(addressHash(), other.seq)}
              aria-current={other.seq === line.seq ? 'true' : undefined}
              onClick={(event) => {
                event.preventDefault();
                select(other.seq);
              }}
            >
              {numberText(other.seq)}
            </a>
            <span class="cut">
              <b>{other.event}</b> <span class="faint">{shortId(other.id)}</span>
            </span>
            {other.to !== null && <StateOf line={other} state={other.to} ending={other.ending} />}
          </li>
        ))}
      </ol>
      {more > 0 && <p class="pad faint small">{numberText(more)} more</p>}
    </>
  );
}

function Fact(props: { readonly name: string; readonly children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}

function Subject({ line }: { readonly line: JournalLine }) {
  const job = line.kind === 'job' ? line.id : line.kind === 'annotation' ? line.id.split('/')[0] : undefined;
  if (job === undefined) return <span>{line.id === '' ? "''" : line.id}</span>;
  return (
    <a href={jobHash(job)} title={line.id}>
      {shortId(line.id, 24)}
    </a>
  );
}

function StateOf(props: {
  readonly line: JournalLine;
  readonly state: string;
  readonly ending: JournalLine['ending'];
}) {
  if (props.line.kind !== 'job') return <span>{props.state}</span>;
  return <State state={props.state} ending={props.ending} />;
}

/** The chart of this record among those that stepped: `job@1`. */
function chartOf({ charts }: EntryView, { kind }: JournalLine): string {
  const chart = charts.find((each) => each.startsWith(`${kind}@`));
  return chart?.split('.')[0] ?? 'none';
}

function Copy({ entry, seq }: { readonly entry: EntryView; readonly seq: number }) {
  const [copied, setCopied] = useState<string | null>(null);
  const copy = (name: string, text: string): void => {
    void copyText(text).then(
      () => {
        setCopied(name);
        announcement.value = `Copied as ${name}.`;
      },
      () => {
        announcement.value = 'The browser did not allow this page to copy.';
      },
    );
  };
  return (
    <>
      <button
        type="button"
        class="btn small"
        onClick={() => copy('link', linkTo(momentHash(addressHash(), seq)))}
      >
        {copied === 'link' ? 'Copied' : 'Link'}
      </button>
      <button type="button" class="btn small" onClick={() => copy('JSON', JSON.stringify(entry, null, 2))}>
        {copied === 'JSON' ? 'Copied' : 'JSON'}
      </button>
    </>
  );
}
