import { useEffect } from 'preact/hooks';
import type { ScheduleView } from '../../../protocol/queues.ts';
import { setTitle } from '../../browser.ts';
import { now } from '../../connection.ts';
import { instantText, numberText, processName } from '../../format.ts';
import { type Act, ActButton } from '../../parts/act.tsx';
import { Glyph } from '../../parts/glyph.tsx';
import { ProblemBox, Skeleton } from '../../parts/messages.tsx';
import { pageHash } from '../../route.ts';
import { useLive } from '../../source/live.ts';
import { pauseText } from '../queues/pauses.tsx';
import { queueName } from '../queues/queue-name.ts';
import { SchedulePill } from './schedules-table.tsx';
import { TickStrip } from './tick-strip.tsx';
import { LastTicks, NextTicks } from './ticks.tsx';

/** One schedule: its next ticks, and what its last ticks led to. `id`: its queue and its name. */
export function SchedulePage({ id }: { readonly id: string }) {
  const live = useLive<ScheduleView>(`schedules/${encodeURIComponent(id)}`);
  const view = live.answer.value?.data ?? null;
  const name = id.slice(id.indexOf('/') + 1);
  useEffect(() => setTitle(`${name} · Signalbox`), [name]);
  const problem = live.problem.value;
  return (
    <main>
      <div class="head">
        <a class="back" href={pageHash('schedules')}>
          ← Schedules
        </a>
        <h1 class="mono cut">{name}</h1>
        {view !== null && <Facts view={view} />}
      </div>
      {view === null && problem === null && <Skeleton />}
      {problem !== null && <ProblemBox problem={problem} again={live.again} />}
      {view !== null && <Body view={view} />}
    </main>
  );
}

function Facts({ view }: { readonly view: ScheduleView }) {
  const { runs, skipped, missed, queue } = view;
  return (
    <>
      <SchedulePill schedule={view} isPill />
      <span class="facts">
        <span>
          jobs <b>{numberText(runs)}</b>
        </span>
        {skipped > 0 && (
          <span class="opt">
            skipped <b>{numberText(skipped)}</b>
          </span>
        )}
        {missed > 0 && (
          <span class="opt">
            missed <b>{numberText(missed)}</b>
          </span>
        )}
      </span>
      <span class="actions">
        {view.state !== 'ended' && <ActButton act={triggerOf(view)} label="Put now…" />}
        {view.state === 'active' && <ActButton act={pauseOf(view)} label="Pause…" />}
        <a class="btn" href={pageHash('queues', queue)}>
          Queue {queueName(queue)}
        </a>
      </span>
    </>
  );
}

function Body({ view }: { readonly view: ScheduleView }) {
  const { paused, when, job, overlap, misfire, setAt, setBy } = view;
  return (
    <>
      {paused !== null && (
        <div class="banner">
          <span class="st st-paused">
            <Glyph name="paused" />
            No job
          </span>
          <span>{pauseText(paused)}</span>
          <ActButton isSmall act={resumeOf(view)} label="Resume…" />
        </div>
      )}
      <dl class="kv pad">
        <Fact name="when" value={when} />
        <Fact name="puts" value={job} />
        <Fact name="if the last one is not over" value={overlap} />
        <Fact name="after an absence" value={misfire} />
        <Fact name="set" value={`${instantText(setAt, now.value)} by ${processName(setBy)}`} />
      </dl>
      <div class="pad rule">
        <TickStrip view={view} />
      </div>
      <div class="cols even">
        <section class="area" aria-label="Last ticks">
          <LastTicks view={view} />
        </section>
        <section class="area" aria-label="Next ticks">
          <NextTicks view={view} />
        </section>
      </div>
    </>
  );
}

function Fact({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt class="k">{name}</dt>
      <dd class="mono">{value}</dd>
    </div>
  );
}

function pauseOf({ queue, name }: ScheduleView): Act {
  return {
    ...{ action: 'pauseSchedule', target: `${queue}/${name}`, question: `Pause ${name}?` },
    ...{
      verb: 'Pause the schedule',
      does: ['It puts no job until it is resumed. Ticks of that time are left out.'],
    },
  };
}

function resumeOf({ queue, name }: ScheduleView): Act {
  return {
    ...{ action: 'resumeSchedule', target: `${queue}/${name}`, question: `Resume ${name}?` },
    ...{ verb: 'Resume the schedule', does: ['It goes on with its next tick from now.'] },
  };
}

function triggerOf({ queue, name, job }: ScheduleView): Act {
  return {
    ...{ action: 'triggerSchedule', target: `${queue}/${name}`, question: `Put a job of ${name} now?` },
    ...{ verb: 'Put the job', does: [`A job ${job} is put now, beside those of its ticks.`] },
  };
}
