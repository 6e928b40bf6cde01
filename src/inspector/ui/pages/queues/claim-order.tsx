import { useState } from 'preact/hooks';
import type { LineName, QueueView, WaitingRow } from '../../../protocol/queues.ts';
import { go } from '../../app-state.ts';
import { moveFocus } from '../../browser.ts';
import { now } from '../../connection.ts';
import { durationText, instantText, numberText, shortId } from '../../format.ts';
import { useKeys } from '../../keys.ts';
import { Empty } from '../../parts/messages.tsx';
import { jobHash } from '../../route.ts';
import { Blocker } from './blocker.tsx';

/** So many are shown at once: lanes stand below. */
const few = 20;

const lineNames: Readonly<Record<LineName, string>> = { putBack: 'put back', now: 'now', held: 'held' };

/** The first jobs as a claim walks them, by line, each with what holds it up. */
export function ClaimOrder({ view }: { readonly view: QueueView }) {
  const [isOpen, setOpen] = useState(false);
  useKeys({ j: () => moveFocus('.order .rowlink', 1), k: () => moveFocus('.order .rowlink', -1) });
  const { order, waiting, name } = view;
  const rows = isOpen ? order : order.slice(0, few);
  const isWhole = rows.length === waiting.n;
  const all = `${numberText(waiting.n)}${waiting.more ? '+' : ''}`;
  return (
    <>
      <div class="bar">
        <h2 class="label">Claim order</h2>
        <span class="quiet">
          {order.length === 0
            ? 'as a claim walks it'
            : `${isWhole ? all : `first ${rows.length} of ${all}`}, as a claim walks it`}
        </span>
      </div>
      {order.length === 0 ? (
        <Empty title="Nothing waits.">
          Put a job:
          <code>{`await box.queue(${name === '' ? '' : `'${name}'`}).put(send('ada@example.org'))`}</code>
        </Empty>
      ) : (
        <table class="table order">
          <thead>
            <tr>
              <th class="fit num">place</th>
              <th class="fit opt">line</th>
              <th>job</th>
              <th class="fit num opt">waits</th>
              <th class="fit">what holds it</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row, index) => (
              <Row key={row.id} row={row} place={index + 1} isFirst={rows[index - 1]?.line !== row.line} />
            ))}
            <Rest view={view} rows={rows} open={isOpen ? null : () => setOpen(true)} />
          </tbody>
        </table>
      )}
    </>
  );
}

function Row(props: { readonly row: WaitingRow; readonly place: number; readonly isFirst: boolean }) {
  const { row, place, isFirst } = props;
  const hash = jobHash(row.id);
  const waitedMs = now.value - row.dueAt;
  return (
    <tr class={isFirst && place > 1 ? 'newline' : undefined} onClick={() => go(hash)}>
      <td class="fit num quiet">{place}</td>
      <td class="fit opt">
        {isFirst ? lineNames[row.line] : <span class="unseen">{lineNames[row.line]}</span>}
      </td>
      <td>
        <b>
          <a class="rowlink" href={hash} title={row.id}>
            {row.name}
          </a>
        </b>{' '}
        <span class="faint">{shortId(row.id, 6)}</span>
      </td>
      <td class="fit num opt">
        {waitedMs < 0 ? `due ${instantText(row.dueAt, now.value, true)}` : durationText(waitedMs)}
      </td>
      <td class="fit">
        <Blocker blocker={row.blocker} />
      </td>
    </tr>
  );
}

/** How many follow, and in which lines. */
function Rest(props: {
  readonly view: QueueView;
  readonly rows: readonly WaitingRow[];
  readonly open: (() => void) | null;
}) {
  const { view, rows, open } = props;
  const left = view.waiting.n - rows.length;
  if (left <= 0) return null;
  const hidden = view.order.length - rows.length;
  const lines = (Object.keys(lineNames) as LineName[]).flatMap((line) => {
    const n = view.lines[line] - rows.filter((row) => row.line === line).length;
    return n > 0 ? [`${numberText(n)} ${line === 'held' ? 'held until due' : lineNames[line]}`] : [];
  });
  return (
    <tr class="newline rest">
      <td colspan={5} class="quiet">
        ⋮ {numberText(left)} more{view.lanes.isCut ? '' : `: ${lines.join(', ')}`}
        {open !== null && hidden > 0 && (
          <button type="button" class="btn small" onClick={open}>
            Show {hidden}
          </button>
        )}
      </td>
    </tr>
  );
}
