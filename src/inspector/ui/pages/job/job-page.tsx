import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Answer } from '../../../protocol/answer.ts';
import type { JobView } from '../../../protocol/job.ts';
import { announcement, go } from '../../app-state.ts';
import { setPast, setTitle } from '../../browser.ts';
import { type Way, wayTo } from '../../chart/way.ts';
import { now } from '../../connection.ts';
import { shortId } from '../../format.ts';
import { Banner, ProblemBox, Skeleton } from '../../parts/messages.tsx';
import { jobHash } from '../../route.ts';
import { useLive } from '../../source/live.ts';
import { lookOf } from '../../state.ts';
import { Attempts } from './attempts.tsx';
import { ChartArea } from './chart-area.tsx';
import { ContextDiff } from './context-diff.tsx';
import { DataTabs } from './data-tabs.tsx';
import { HistoryArea } from './history-area.tsx';
import { JobHead } from './job-head.tsx';
import { LifeBar } from './life-bar.tsx';
import { useSteps } from './steps.ts';
import { Why } from './why.tsx';

/** What a job is doing, how it got there, what can happen next, and why it does not. */
export function JobPage(props: {
  readonly id: string;
  readonly at: number | null;
  readonly tab: string | null;
}) {
  const live = useLive<JobView>(`jobs/${encodeURIComponent(props.id)}`);
  const answer = live.answer.value;
  if (answer !== null) return <Loaded {...props} answer={answer} />;
  setTitle(`${shortId(props.id)} · Signalbox`);
  return (
    <main>
      <div class="head">
        <a class="back" href="#/jobs">
          ← Jobs
        </a>
        <h1 class="mono">{shortId(props.id, 24)}</h1>
      </div>
      {live.problem.value === null ? (
        <Skeleton />
      ) : (
        <ProblemBox problem={live.problem.value} again={live.again} />
      )}
    </main>
  );
}

function Loaded(props: {
  readonly id: string;
  readonly at: number | null;
  readonly tab: string | null;
  readonly answer: Answer<JobView>;
}) {
  const { id, at, tab, answer } = props;
  const { data: view } = answer;
  const way = wayTo(view, at, now.value);
  const lit = useSignal<string | null>(null);
  const select = (seq: number | null): void => go(jobHash(id, seq ?? 'now', tab), true);
  const steps = useSteps(view, way, select);
  useFrame(view, way);
  // What is measured up to the answer grows until the next one, while the job stands where it stands.
  const sinceMs = way.isPast || view.state === 'completed' ? 0 : Math.max(0, now.value - answer.at);
  return (
    <>
      <LifeBar view={view} way={way} steps={steps} />
      <main>
        <JobHead view={view} way={way} sinceMs={sinceMs} />
        <Notices view={view} />
        <Why view={view} way={way} />
        <div class="cols">
          <section class="area" aria-label="Chart">
            <ChartArea view={view} way={way} sinceMs={sinceMs} lit={lit} />
            <Attempts view={view} way={way} />
          </section>
          <section class="area" aria-label="History">
            <HistoryArea id={id} view={view} way={way} lit={lit} select={select} />
            <ContextDiff view={view} way={way} />
          </section>
        </div>
        <DataTabs
          view={view}
          isPast={way.isPast}
          tab={tab}
          choose={(name) => go(jobHash(id, undefined, name), true)}
        />
      </main>
    </>
  );
}

/** The title, the frame of the past, and what those hear who cannot see the chart. */
function useFrame(view: JobView, way: Way): void {
  const { word } = lookOf(way.state, way.ending);
  setTitle(`${word} · ${view.name} ${shortId(view.id, 4)} · Signalbox`);
  useEffect(() => {
    setPast(way.isPast);
    return () => setPast(false);
  }, [way.isPast]);
  const before = useRef(view.state);
  useEffect(() => {
    if (before.current !== view.state) announcement.value = `${view.name} is now ${word}.`;
    before.current = view.state;
  }, [view.state, view.name, word]);
}

function Notices({ view }: { readonly view: JobView }) {
  const { machine, unsound, hidden, states } = view;
  const gone = states.filter(({ isKnown }) => !isKnown).map(({ state }) => state);
  return (
    <>
      {unsound.length > 0 && (
        <Banner>
          In quarantine: this version does not know <b class="mono">{unsound.join(', ')}</b>. The job is kept,
          and nothing changes it.
        </Banner>
      )}
      {machine.isCurrent === false && (
        <Banner>
          Its newest entry was made by chart <b class="mono">{machine.stepped}</b>; this process has{' '}
          <b class="mono">{machine.name}</b>.{gone.length > 0 && ` States that it lacks: ${gone.join(', ')}.`}
        </Banner>
      )}
      {hidden !== null && <Banner>Values are not shown: {hidden}.</Banner>}
    </>
  );
}
