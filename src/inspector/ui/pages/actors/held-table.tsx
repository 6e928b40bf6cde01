import type { AgentFacts } from '../../../protocol/actors.ts';
import { durationText, numberText, shortId } from '../../format.ts';
import { State } from '../../parts/glyph.tsx';
import { jobHash, jobsHash } from '../../route.ts';

/** What an agent holds, longest first. */
export function HeldTable(props: {
  readonly facts: AgentFacts;
  readonly queue: string;
  readonly sinceMs: number;
}) {
  const { facts, queue, sinceMs } = props;
  const { jobs, held } = facts;
  return (
    <section aria-label="Held">
      <div class="bar">
        <h2 class="label">Held</h2>
        <span class="mono quiet">{numberText(held)}</span>
        {held > jobs.length && (
          <span class="end quiet">
            the {numberText(jobs.length)} longest; <a href={jobsHash('held', queue)}>all of this queue</a>
          </span>
        )}
      </div>
      {jobs.length === 0 && <p class="pad faint">It holds no job.</p>}
      {jobs.length > 0 && (
        <table class="table">
          <thead>
            <tr>
              <th class="fit">state</th>
              <th>job</th>
              <th class="fit num">for</th>
            </tr>
          </thead>
          <tbody>
            {jobs.map(({ id, name, state, ending, forMs, waitingOn }) => (
              <tr key={id}>
                <td class="fit">
                  <State state={state} ending={ending} />
                </td>
                <td>
                  <a class="rowlink" href={jobHash(id)}>
                    <b>{name}</b> <span class="faint">{shortId(id, 10)}</span>
                    {waitingOn !== null && (
                      <span class="quiet">
                        {' '}
                        waits for {waitingOn === 'promise' ? 'a promise' : shortId(waitingOn, 10)}
                      </span>
                    )}
                  </a>
                </td>
                <td class="fit num">
                  {forMs === null ? '–' : durationText(state === 'completed' ? forMs : forMs + sinceMs)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
