import './durable.css';
import { useEffect } from 'preact/hooks';
import type { DurableView } from '../../../protocol/durable.ts';
import { setTitle } from '../../browser.ts';
import { numberText } from '../../format.ts';
import { Empty, ProblemBox, Skeleton } from '../../parts/messages.tsx';
import { type PageRoute, pageHash } from '../../route.ts';
import type { LatePage } from '../../shell/pages.tsx';
import { useLive } from '../../source/live.ts';
import { ActorPage } from './actor-page.tsx';
import { ActorsTable } from './actors-table.tsx';
import { stateText } from './life.tsx';
import { MachineCounts } from './machine-counts.tsx';

/** The actors of the machines of a program: all that a filter in the address asks for, or one. */
export const DurablePage: LatePage = ({ route }) =>
  route.id === null || route.id === '' ? (
    <AllActors route={route} />
  ) : (
    <ActorPage key={route.id} id={route.id} />
  );

function AllActors({ route }: { readonly route: PageRoute }) {
  const { machine, status, state, after } = route.query;
  const live = useLive<DurableView>(pathOf(route));
  const view = live.answer.value?.data ?? null;
  useEffect(() => setTitle('Durable actors · Signalbox'), []);
  const total = view?.machines.reduce((sum, { n }) => sum + n, 0) ?? 0;
  const isFiltered = machine !== undefined || status !== undefined || state !== undefined;
  return (
    <main>
      <div class="bar">
        <h1 class="label">Durable actors</h1>
        {view !== null && !isFiltered && <span class="mono quiet">{numberText(total)}</span>}
        {isFiltered && (
          <span class="mono cut">
            {[machine, status, state === undefined ? undefined : stateText(state)]
              .filter((part) => part !== undefined)
              .join(' · ')}
          </span>
        )}
        {isFiltered && (
          <a class="btn small" href={pageHash('durable')}>
            All
          </a>
        )}
      </div>
      {view === null && live.problem.value === null && <Skeleton />}
      {live.problem.value !== null && <ProblemBox problem={live.problem.value} again={live.again} />}
      {view !== null && total === 0 && (
        <Empty title="There is no durable actor.">
          Start one of a machine of yours:
          <code>{"await box.actor(order, '17').start({ … })"}</code>
        </Empty>
      )}
      {view !== null && total > 0 && (
        <div class="cols flip3 rule">
          <MachineCounts machines={view.machines} query={route.query} />
          <section class="area" aria-label="Actors">
            {view.rows.length === 0 ? (
              <div class="empty tight">
                <b>None is there{after === undefined ? '' : ' any more'}.</b>
              </div>
            ) : (
              <ActorsTable rows={view.rows} />
            )}
            {(view.next !== null || after !== undefined) && (
              <div class="bar">
                {after !== undefined && (
                  <a class="btn small" href={pageHash('durable', null, { machine, status, state })}>
                    From the first
                  </a>
                )}
                {view.next !== null && (
                  <a
                    class="btn small"
                    href={pageHash('durable', null, { machine, status, state, after: view.next })}
                  >
                    Those behind these
                  </a>
                )}
              </div>
            )}
          </section>
        </div>
      )}
    </main>
  );
}

function pathOf({ query }: PageRoute): string {
  const asked = new URLSearchParams();
  for (const name of ['machine', 'status', 'state', 'after']) {
    const value = query[name];
    if (value !== undefined) asked.set(name, value);
  }
  const text = asked.toString();
  return text === '' ? 'durable' : `durable?${text}`;
}
