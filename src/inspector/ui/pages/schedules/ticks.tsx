import type { ScheduleView, TickView } from '../../../protocol/queues.ts';
import { now } from '../../connection.ts';
import { durationText, instantText, shortId } from '../../format.ts';
import { Glyph, State } from '../../parts/glyph.tsx';
import { jobHash } from '../../route.ts';

/** The ticks that come next, each with how long it is until then. */
export function NextTicks({ view: { state, next } }: { readonly view: ScheduleView }) {
  return (
    <>
      <div class="bar">
        <h2 class="label">Next ticks</h2>
        {state === 'paused' && <span class="quiet">if it were resumed now</span>}
      </div>
      {next.length === 0 ? (
        <div class="empty tight">
          <b>{state === 'ended' ? 'It has ended.' : 'None.'}</b>
        </div>
      ) : (
        <table class="table ticklist">
          <thead>
            <tr>
              <th>tick</th>
              <th class="fit num">in</th>
            </tr>
          </thead>
          <tbody>
            {next.map((tick) => (
              <tr key={tick}>
                <td>{instantText(tick, now.value)}</td>
                <td class="fit num">{tick <= now.value ? 'now' : durationText(tick - now.value)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

/** What each of the last ticks became, newest first. */
export function LastTicks({ view: { last } }: { readonly view: ScheduleView }) {
  return (
    <>
      <div class="bar">
        <h2 class="label">Last ticks</h2>
        <span class="mono quiet">{last.length}</span>
      </div>
      {last.length === 0 ? (
        <div class="empty tight">
          <b>No tick yet.</b>
        </div>
      ) : (
        <table class="table ticklist">
          <thead>
            <tr>
              <th class="fit">tick</th>
              <th class="fit num opt">late</th>
              <th>became</th>
            </tr>
          </thead>
          <tbody>
            {last.map((tick) => (
              <Tick key={tick.tick} tick={tick} />
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

/** Why a tick has put no job. */
const reasons: Readonly<Record<Exclude<TickView['became'], 'job'>, string>> = {
  overlap: 'skipped: the job before was not over',
  buffered: 'skipped: one waited for the job before',
  missed: 'missed: no process was at work',
  exists: 'its job was there',
};

function Tick({ tick: { tick, at, became, job, state, ending } }: { readonly tick: TickView }) {
  return (
    <tr>
      <td class="fit">{instantText(tick, now.value)}</td>
      <td class="fit num opt">{durationText(at - tick)}</td>
      <td>
        {became === 'job' ? (
          <>
            {job !== null && (
              <a class="rowlink" href={jobHash(job)}>
                job {shortId(job, 6)}
              </a>
            )}{' '}
            {state === null ? (
              <span class="quiet">no longer kept</span>
            ) : (
              <State state={state} ending={ending} />
            )}
          </>
        ) : (
          <span class="st past">
            <Glyph name="warn" />
            {reasons[became]}
          </span>
        )}
      </td>
    </tr>
  );
}
