import type { DispatcherFacts } from '../../../protocol/actors.ts';
import { now } from '../../connection.ts';
import { durationText } from '../../format.ts';
import { Glyph } from '../../parts/glyph.tsx';
import { jobsHash } from '../../route.ts';
import { dispatcherLook } from './looks.ts';

/** The records of a dispatcher in the queues. */
export function QueuesTable({ facts, uuid }: { readonly facts: DispatcherFacts; readonly uuid: string }) {
  const { queues } = facts;
  return (
    <section aria-label="Queues">
      <div class="bar">
        <h2 class="label">In its queues</h2>
        <span class="mono quiet cut">{uuid}</span>
      </div>
      {queues.length === 0 && (
        <p class="pad faint">It has no record in a queue: it makes one at its first poll.</p>
      )}
      {queues.length > 0 && (
        <table class="table">
          <thead>
            <tr>
              <th>queue</th>
              <th class="fit">state</th>
              <th class="fit num">agents</th>
              <th class="fit num">last sign</th>
            </tr>
          </thead>
          <tbody>
            {queues.map(({ queue, state, agents, lastSignAt }) => {
              const { glyph, word } = dispatcherLook({ state: null, health: null, record: state });
              return (
                <tr key={queue}>
                  <td class="task">
                    <a class="rowlink" href={jobsHash('held', queue)}>
                      {queue === '' ? "''" : queue}
                    </a>
                  </td>
                  <td class="fit">
                    <span class={`st st-${glyph}`}>
                      <Glyph name={glyph} />
                      {word}
                    </span>
                  </td>
                  <td class="fit num">{agents}</td>
                  <td class="fit num quiet">
                    {lastSignAt === null ? '–' : `${durationText(now.value - lastSignAt)} ago`}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
    </section>
  );
}
