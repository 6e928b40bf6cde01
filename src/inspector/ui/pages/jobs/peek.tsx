import type { HistoryLine, JobView } from '../../../protocol/job.ts';
import { now } from '../../connection.ts';
import { eventText, instantText, numberText } from '../../format.ts';
import { useKeys } from '../../keys.ts';
import { State } from '../../parts/glyph.tsx';
import { Value } from '../../parts/value.tsx';
import { jobHash } from '../../route.ts';
import { useLive } from '../../source/live.ts';
import { CancelButton } from '../job/head/cancel-button.tsx';

/** How many of the newest entries are shown. */
const mostLines = 5;

/** A short look at one job without leaving its list: why it is where it is, its arguments, its newest entries. */
export function Peek({ id, close }: { readonly id: string; readonly close: () => void }) {
  const { answer, problem } = useLive<JobView>(`jobs/${encodeURIComponent(id)}`);
  useKeys({ Escape: close });
  const view = answer.value?.data ?? null;
  return (
    <section class="peek" aria-label="Peek">
      <div class="bar">
        {view === null ? (
          <span class="quiet">{problem.value?.text ?? 'Reading …'}</span>
        ) : (
          <>
            <State state={view.state} ending={view.ending} />
            <b class="mono">{view.name}</b>
          </>
        )}
        <span class="mono faint cut">{id}</span>
        <span class="end">
          {view !== null && <CancelButton view={view} isSmall />}
          <a class="btn small" href={jobHash(id)}>
            Open <kbd>Enter</kbd>
          </a>
          <button type="button" class="btn small" onClick={close}>
            Close <kbd>Space</kbd>
          </button>
        </span>
      </div>
      {view !== null && <Body view={view} />}
    </section>
  );
}

function Body({ view }: { readonly view: JobView }) {
  const { verdict } = view.explanation;
  const lines = view.history.lines.slice(-mostLines).toReversed();
  return (
    <div class="peeked">
      <div>
        <h2 class="label">Why</h2>
        <p>
          <b>
            {verdict.text.charAt(0).toUpperCase()}
            {verdict.text.slice(1)}.
          </b>{' '}
          <span class="quiet">{verdict.remedy}</span>
        </p>
      </div>
      <div>
        <h2 class="label">Arguments</h2>
        {view.args.length === 0 && <p class="faint">none</p>}
        {view.args.map((arg, index) => (
          <Value key={index} tree={arg} depth={1} />
        ))}
      </div>
      <div>
        <h2 class="label">History {numberText(view.history.count)}</h2>
        {lines.map((line) => (
          <Line key={line.seq} line={line} />
        ))}
      </div>
    </div>
  );
}

function Line({ line: { at, event, note } }: { readonly line: HistoryLine }) {
  return (
    <p class="mono cut">
      {instantText(at, now.peek(), true)} <b>{eventText(event)}</b> <span class="quiet">{note ?? ''}</span>
    </p>
  );
}
