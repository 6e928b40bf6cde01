import { useEffect, useRef, useState } from 'preact/hooks';
import type { ActorsView } from '../../../protocol/actors.ts';
import { setTitle } from '../../browser.ts';
import { now } from '../../connection.ts';
import { Empty, ProblemBox, Skeleton } from '../../parts/messages.tsx';
import type { LatePage } from '../../shell/pages.tsx';
import { useLive } from '../../source/live.ts';
import { ActorArea } from './actor-area.tsx';
import './actors.css';
import { Tree } from './tree.tsx';
import { type Folds, itemsOf, openAgents } from './tree-items.ts';

/** Which machines live, in which state, and what they hold. */
export const ActorsPage: LatePage = ({ route }) => {
  const [folds, setFolds] = useState<Folds>(new Map());
  const known = useRef<{ readonly view: ActorsView; readonly at: number } | null>(null);
  const open = openAgents(known.current?.view ?? null, folds, route.id);
  const live = useLive<ActorsView>(
    open.length === 0 ? 'actors' : `actors?${new URLSearchParams({ open: open.join(' ') })}`,
  );
  const { value: answer } = live.answer;
  // While another part is unfolded, what is known stays.
  if (answer !== null) known.current = { view: answer.data, at: answer.at };
  const view = known.current?.view ?? null;
  const isEmpty = view !== null && view.supervisor === null && view.dispatchers.length === 0;
  useEffect(() => {
    if (view === null || isEmpty) setTitle('Actors · Signalbox');
  }, [view === null, isEmpty]);
  if (view === null || isEmpty)
    return (
      <main>
        <h1 class="unseen">Actors</h1>
        {isEmpty && (
          <Empty title="No dispatcher has ever worked here.">
            <code>await box.start()</code> makes one, with an agent in each queue.
          </Empty>
        )}
        {view === null && live.problem.value === null && <Skeleton />}
        {live.problem.value !== null && <ProblemBox problem={live.problem.value} again={live.again} />}
      </main>
    );
  const chosen = route.id ?? view.dispatchers[0]?.id ?? 'supervisor';
  const items = itemsOf(view, folds, chosen);
  const counts = [view.supervisor === null ? 0 : 1, view.dispatchers.length, agentsIn(view)];
  return (
    <main>
      <div class="cols flip actors">
        <section class="area" aria-label="Actors">
          <div class="bar">
            <h2 class="label">Actors</h2>
            <span class="mono quiet" title="supervisor, dispatchers, agents">
              {counts.join(' + ')}
            </span>
            <span class="end faint mono">{view.notLive === null ? 'live' : 'not live'}</span>
          </div>
          <div class="tree-scroll">
            <Tree
              items={items}
              chosen={chosen}
              sinceMs={view.notLive === null ? Math.max(0, now.value - (known.current?.at ?? now.value)) : 0}
              now={now.value}
              fold={(id, isOpen) => setFolds(new Map([...folds, [id, isOpen]]))}
            />
            <Notes view={view} />
          </div>
        </section>
        <ActorArea key={chosen} id={chosen} poll={route.query.poll ?? null} />
      </div>
    </main>
  );
};

/** What a person may wonder about the tree. */
function Notes({ view }: { readonly view: ActorsView }) {
  const elsewhere = view.dispatchers.filter(
    ({ state, record }) => state === null && record === 'at work',
  ).length;
  const earlier = view.dispatchers.filter(
    ({ state, record }) => state === null && record !== 'at work',
  ).length;
  const texts = [
    view.notLive,
    view.notLive === null && elsewhere > 0
      ? `${elsewhere} at work in other processes: their records are shown; their live machines and polls are seen there.`
      : null,
    view.notLive === null && earlier > 0
      ? `${earlier} of earlier processes: their records are shown; their live machines were not recorded.`
      : null,
    view.dispatchers.length === 0
      ? 'No dispatcher works yet: await box.start() makes one, with an agent in each queue.'
      : null,
  ];
  return (
    <>
      {texts.map((text) =>
        text === null ? null : (
          <p key={text} class="pad faint small">
            {text}
          </p>
        ),
      )}
    </>
  );
}

function agentsIn(view: ActorsView): number {
  return view.dispatchers.reduce((sum, { agents }) => sum + agents.length, 0);
}
