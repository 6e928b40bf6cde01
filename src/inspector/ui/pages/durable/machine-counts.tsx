import type { DurableMachine } from '../../../protocol/durable.ts';
import { numberText } from '../../format.ts';
import { pageHash } from '../../route.ts';
import { Life, stateText } from './life.tsx';

/** So many states of one machine are listed. */
const mostStates = 50;

/** How many actors of each machine are where: each line is a filter. */
export function MachineCounts(props: {
  readonly machines: readonly DurableMachine[];
  readonly query: Readonly<Record<string, string | undefined>>;
}) {
  const { machines, query } = props;
  return (
    <section class="area counts" aria-label="Machines and states">
      {machines.map(({ machine, n, counts }) => (
        <table key={machine} class="table">
          <thead>
            <tr aria-selected={query.machine === machine && query.status === undefined}>
              <th>
                <a class="rowlink mono" href={pageHash('durable', null, { machine })}>
                  {machine}
                </a>
              </th>
              <th class="fit" />
              <th class="fit num">{numberText(n)}</th>
            </tr>
          </thead>
          <tbody>
            {counts.slice(0, mostStates).map(({ status, state, n: count }) => (
              <tr
                key={`${status} ${state}`}
                aria-selected={
                  query.machine === machine && query.status === status && (query.state ?? '') === state
                }
              >
                <td>
                  <a class="rowlink" href={pageHash('durable', null, filterOf(machine, status, state))}>
                    {stateText(state)}
                  </a>
                </td>
                <td class="fit">
                  <Life status={status} />
                </td>
                <td class="fit num">{numberText(count)}</td>
              </tr>
            ))}
            {counts.length > mostStates && (
              <tr>
                <td class="quiet">{numberText(counts.length - mostStates)} more states</td>
                <td class="fit" />
                <td class="fit num" />
              </tr>
            )}
          </tbody>
        </table>
      ))}
    </section>
  );
}

function filterOf(machine: string, status: string, state: string): Readonly<Record<string, string>> {
  return { machine, status, ...(state === '' ? {} : { state }) };
}
