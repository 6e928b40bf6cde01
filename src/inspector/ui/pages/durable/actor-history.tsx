import type { DurableActorView, DurableLine } from '../../../protocol/durable.ts';
import { clockText, durationText, numberText, processName, secondsText } from '../../format.ts';
import { Inline } from '../../parts/value.tsx';
import { pageHash } from '../../route.ts';
import { stateText } from './life.tsx';

/** How it got where it is, the newest first: one line an entry, each with what its event carried. */
export function ActorHistory({ view }: { readonly view: DurableActorView }) {
  const { history, entries, isCut } = view;
  return (
    <>
      <div class="bar">
        <h2 class="label">History</h2>
        <span class="mono quiet">{numberText(entries)}</span>
        {(isCut || entries > history.length) && (
          <a class="end" href={pageHash('timeline', null, { view: 'log', q: `id:${view.id}` })}>
            Older ones in the log
          </a>
        )}
      </div>
      <table class="table journal">
        <tbody>
          {history.toReversed().map((line) => (
            <Line key={line.seq} id={view.id} line={line} />
          ))}
        </tbody>
      </table>
    </>
  );
}

function Line({ id, line }: { readonly id: string; readonly line: DurableLine }) {
  const { seq, at, afterMs, event, words, from, to, by, arg } = line;
  const stays = from === to;
  return (
    <tr title={`seq ${numberText(seq)}, ${clockText(at, true)}, by ${by}`}>
      <td class="fit num">{afterMs === null ? clockText(at) : `+${gapText(afterMs)}`}</td>
      <td class="fit task" title={event}>
        <a class="rowlink" href={pageHash('durable', id, { at: String(seq) })}>
          {words}
        </a>
      </td>
      <td class="fit">{stays ? <span class="quiet">stays</span> : stateText(to ?? 'gone')}</td>
      <td class="cut">
        {arg !== null && arg.is !== 'null' && <Inline tree={arg} />}
        <span class="by faint"> {processName(by)}</span>
      </td>
    </tr>
  );
}

/** Milliseconds do not matter beside minutes. */
function gapText(ms: number): string {
  return ms < 60_000 ? secondsText(ms) : durationText(ms);
}
