import type { ScheduleRow } from '../../../protocol/queues.ts';
import { go } from '../../app-state.ts';
import { moveFocus } from '../../browser.ts';
import { now } from '../../connection.ts';
import { durationText, instantText, numberText } from '../../format.ts';
import { useKeys } from '../../keys.ts';
import { Glyph } from '../../parts/glyph.tsx';
import { jobHash, pageHash } from '../../route.ts';
import { pauseText } from '../queues/pauses.tsx';
import { queueName } from '../queues/queue-name.ts';

/** One line a schedule. */
export function SchedulesTable({ schedules }: { readonly schedules: readonly ScheduleRow[] }) {
  useKeys({
    j: () => moveFocus('.schedules .rowlink.first', 1),
    k: () => moveFocus('.schedules .rowlink.first', -1),
  });
  return (
    <table class="table schedules rule">
      <thead>
        <tr>
          <th>schedule</th>
          <th class="fit">state</th>
          <th class="fit num">next job</th>
          <th class="opt">when</th>
          <th class="opt">puts</th>
          <th class="fit num opt">last tick</th>
          <th class="fit num opt">jobs</th>
          <th class="fit num opt">skipped</th>
          <th class="fit num opt">missed</th>
        </tr>
      </thead>
      <tbody>
        {schedules.map((schedule) => (
          <Line key={`${schedule.queue}/${schedule.name}`} schedule={schedule} />
        ))}
      </tbody>
    </table>
  );
}

function Line({ schedule }: { readonly schedule: ScheduleRow }) {
  const { queue, name, when, job, lastTick, lastJob, runs, skipped, missed } = schedule;
  const hash = pageHash('schedules', `${queue}/${name}`);
  const last = lastTick === null ? '–' : instantText(lastTick, now.value);
  return (
    <tr onClick={() => go(hash)}>
      <td class="task">
        <a class="rowlink first" href={hash}>
          {name}
        </a>{' '}
        <span class="faint">{queueName(queue)}</span>
      </td>
      <td class="fit">
        <SchedulePill schedule={schedule} isPill={false} />
      </td>
      <td class="fit num">
        <Next schedule={schedule} />
      </td>
      <td class="opt" title={when}>
        {when}
      </td>
      <td class="opt">{job}</td>
      <td class="fit num opt">
        {lastJob === null ? (
          last
        ) : (
          <a class="rowlink" href={jobHash(lastJob)} onClick={(event) => event.stopPropagation()}>
            {last}
          </a>
        )}
      </td>
      <td class="fit num opt">{numberText(runs)}</td>
      <td class="fit num opt">{count(skipped)}</td>
      <td class={`fit num opt${missed > 0 ? ' past' : ''}`}>{count(missed)}</td>
    </tr>
  );
}

function count(n: number) {
  return n === 0 ? <span class="faint">–</span> : numberText(n);
}

/** How long it is until the next job. */
function Next({ schedule: { state, next } }: { readonly schedule: ScheduleRow }) {
  const [first] = next;
  if (state !== 'active' || first === undefined) return <span class="faint">–</span>;
  const left = first - now.value;
  return <span title={instantText(first, now.value)}>{left <= 0 ? 'now' : `in ${durationText(left)}`}</span>;
}

const glyphs: Readonly<Record<ScheduleRow['state'], string>> = {
  active: 'running',
  paused: 'paused',
  ended: 'succeeded',
};

/** Whether it goes on. */
export function SchedulePill(props: { readonly schedule: ScheduleRow; readonly isPill: boolean }) {
  const { state, paused } = props.schedule;
  const glyph = glyphs[state];
  return (
    <span
      class={`st st-${glyph}${props.isPill ? ' pill' : ''}`}
      title={paused === null ? undefined : pauseText(paused)}
    >
      <Glyph name={glyph} />
      {state}
    </span>
  );
}
