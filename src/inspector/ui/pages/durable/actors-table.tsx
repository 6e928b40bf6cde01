import type { DurableRow } from '../../../protocol/durable.ts';
import { go } from '../../app-state.ts';
import { moveFocus } from '../../browser.ts';
import { now } from '../../connection.ts';
import { durationText, instantText, numberText } from '../../format.ts';
import { useKeys } from '../../keys.ts';
import { pageHash } from '../../route.ts';
import { Life, stateText } from './life.tsx';

/** One line an actor, in order of id. */
export function ActorsTable({ rows }: { readonly rows: readonly DurableRow[] }) {
  useKeys({
    j: () => moveFocus('.durable .rowlink.first', 1),
    k: () => moveFocus('.durable .rowlink.first', -1),
  });
  return (
    <table class="table durable">
      <thead>
        <tr>
          <th>actor</th>
          <th class="fit">status</th>
          <th>state</th>
          <th class="fit num opt">timer in</th>
          <th class="fit num opt">children</th>
          <th class="fit num opt">for</th>
          <th class="fit num opt">version</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <Line key={row.id} row={row} />
        ))}
      </tbody>
    </table>
  );
}

function Line({ row }: { readonly row: DurableRow }) {
  const { id, status, state, timer, children, startedAt, finishedAt, version, why } = row;
  const hash = pageHash('durable', id);
  return (
    <tr onClick={() => go(hash)}>
      <td class="task">
        <a class="rowlink first" href={hash}>
          {id}
        </a>
      </td>
      <td class="fit">
        <Life status={status} />
      </td>
      <td title={why ?? state}>
        {stateText(state)} {why !== null && <span class="err">{why}</span>}
      </td>
      <td class="fit num opt">
        {timer === null ? (
          <span class="faint">–</span>
        ) : (
          <span title={`${timer.words}, ${instantText(timer.dueAt, now.value)}`}>
            {timer.dueAt <= now.value ? 'due' : durationText(timer.dueAt - now.value)}
          </span>
        )}
      </td>
      <td class="fit num opt">{children === 0 ? <span class="faint">–</span> : numberText(children)}</td>
      <td class="fit num opt" title={instantText(startedAt, now.value)}>
        {durationText((finishedAt ?? now.value) - startedAt)}
      </td>
      <td class="fit num opt">{version}</td>
    </tr>
  );
}
