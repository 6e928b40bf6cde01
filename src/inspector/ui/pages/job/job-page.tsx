import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Problem } from '../../../protocol/hello.ts';
import type { JobView } from '../../../protocol/job.ts';
import { announcement, go, isJobInPast, moment } from '../../app-state.ts';
import { setTitle } from '../../browser.ts';
import type { Way } from '../../chart/way.ts';
import { now } from '../../connection.ts';
import { numberText, shortId } from '../../format.ts';
import { Banner, Empty, ProblemBox, Skeleton } from '../../parts/messages.tsx';
import { ProgressBar } from '../../parts/progress-bar.tsx';
import { jobHash } from '../../route.ts';
import { useLive, usePresent } from '../../source/live.ts';
import { lookOf } from '../../state.ts';
import { atMoment, type JobAtMoment } from '../../time/at-moment.ts';
import { HistoryBar } from '../../time/history-bar.tsx';
import { Attempts } from './attempts.tsx';
import { ChartArea } from './chart-area.tsx';
import { ContextDiff } from './context-diff.tsx';
import { DataTabs } from './data-tabs.tsx';
import { JobHead } from './head/job-head.tsx';
import { Origin } from './head/origin.tsx';
import { HistoryArea } from './history-area.tsx';
import { LifeBar } from './life-bar.tsx';
import { useSteps } from './steps.ts';
import { Why } from './why.tsx';

/** What a job is doing, how it got there, what can happen next, and why it does not. */
export function JobPage(props: {
  readonly id: string;
  readonly at: number | null;
  readonly tab: string | null;
}) {
  const { id, at, tab } = props;
  const path = `jobs/${encodeURIComponent(id)}`;
  const live = useLive<JobView>(path);
  // Beside its moment the job is asked for as it is now: what came later is shown, and can be stepped to.
  const whole = usePresent<JobView>(moment.value === null ? null : path);
  const [answer, problem] = [live.answer.value, live.problem.value];
  const asked = { at, asOf: live.asOf.value, whole: whole.answer.value?.data ?? null, now: now.value };
  const found = atMoment({ ...asked, answer });
  const first = asked.whole?.history.lines[0]?.seq;
  const wasNotThere = answer === null && problem?.code === 'JOB_NOT_FOUND';
  if (found !== null && !wasNotThere) {
    const askedAt = (answer ?? whole.answer.value)?.at ?? now.value;
    const missing = answer === null ? problem : null;
    return <Loaded id={id} tab={tab} askedAt={askedAt} problem={missing} {...found} />;
  }
  setTitle(`${shortId(id)} · Signalbox`);
  return (
    <>
      <HistoryBar />
      <main>
        <div class="head">
          <a class="back" href="#/jobs">
            ← Jobs
          </a>
          <h1 class="mono">{shortId(id, 24)}</h1>
        </div>
        {wasNotThere && first !== undefined ? (
          <Empty title="There was no such job at this moment.">
            <a href={jobHash(id, first, tab)}>Its first entry is seq {numberText(first)}</a>
          </Empty>
        ) : problem === null ? (
          <Skeleton />
        ) : (
          <ProblemBox problem={problem} again={live.again} />
        )}
      </main>
    </>
  );
}

function Loaded(
  props: JobAtMoment & {
    readonly id: string;
    readonly tab: string | null;
    readonly askedAt: number;
    /** Why the moment cannot be shown as it was. */
    readonly problem: Problem['error'] | null;
  },
) {
  const { id, tab, view, way } = props;
  const lit = useSignal<string | null>(null);
  const select = (seq: number | null): void => go(jobHash(id, seq ?? 'now', tab), true);
  const steps = useSteps(view, way, select);
  useFrame(view, way);
  // What is measured up to the answer grows until the next one, while the job stands where it stands.
  const sinceMs = way.isPast || view.state === 'completed' ? 0 : Math.max(0, now.value - props.askedAt);
  return (
    <>
      <LifeBar view={view} way={way} steps={steps} select={select} />
      <main>
        <JobHead view={view} way={way} sinceMs={sinceMs} />
        <Origin view={view} />
        {props.problem !== null && (
          <Banner>
            {props.problem.text} {props.problem.repair}
          </Banner>
        )}
        <Notices view={view} />
        {view.progress !== null && way.isWhole && <ProgressBar progress={view.progress} />}
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
          isOfNow={!way.isWhole}
          at={way.isPast ? (way.line?.seq ?? null) : null}
          select={select}
          tab={tab}
          choose={(name) => go(jobHash(id, undefined, name), true)}
        />
      </main>
    </>
  );
}

/** The frame of the past, the title, and what those hear who cannot see the chart. */
function useFrame(view: JobView, way: Way): void {
  const { word } = lookOf(way.state, way.ending);
  useEffect(() => {
    isJobInPast.value = way.isPast;
    return () => {
      isJobInPast.value = false;
    };
  }, [way.isPast]);
  setTitle(`${word} · ${view.name} ${shortId(view.id, 4)} · Signalbox`);
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
