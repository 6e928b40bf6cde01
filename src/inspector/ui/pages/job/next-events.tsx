import type { JobView, PossibleEvent } from '../../../protocol/job.ts';
import { refusalOf } from '../../chart/chart.tsx';
import type { Way } from '../../chart/way.ts';
import { eventText } from '../../format.ts';

const senders = [
  ['code', 'Its code'],
  ['runtime', 'Runtime'],
  ['operator', 'You'],
] as const;

/** What can happen next, by who can make it happen, with what stops the rest. */
export function NextEvents({ view, way }: { readonly view: JobView; readonly way: Way }) {
  if (!way.isWhole)
    return (
      <dl class="next">
        <dt>Next</dt>
        <dd>
          <span class="who quiet">
            what came next is in the history: <kbd>→</kbd>
          </span>
        </dd>
      </dl>
    );
  const groups = senders.flatMap(([by, who]) => {
    if (way.isPast && by === 'operator') return [];
    // An event that would change no state, and is refused, is not worth a word.
    const events = view.next.filter(
      (possible) => possible.by === by && (possible.isOpen || possible.target !== null),
    );
    return events.length === 0 ? [] : [{ who, events }];
  });
  const hasWayOut = view.next.some(({ target }) => target !== null);
  return (
    <dl class="next">
      {!hasWayOut && (
        <>
          <dt>Next</dt>
          <dd>
            <span class="shut">
              none: <span class="who">{view.state} has no way out</span>
            </span>
          </dd>
        </>
      )}
      {groups.map(({ who, events }) => (
        <Group key={who} who={who} events={events} />
      ))}
      {way.isPast && (
        <>
          <dt>You</dt>
          <dd>
            <span class="who quiet">
              nothing in the past; <kbd>L</kbd> leads to now
            </span>
          </dd>
        </>
      )}
    </dl>
  );
}

function Group({ who, events }: { readonly who: string; readonly events: readonly PossibleEvent[] }) {
  // What leaves the state first, then what the chart refuses, then what only changes data.
  const weight = ({ target, isOpen, why }: PossibleEvent): number =>
    target === null ? 2 : isOpen && why === null ? 0 : 1;
  return (
    <>
      <dt>{who}</dt>
      <dd>
        {events
          .toSorted((one, other) => weight(one) - weight(other))
          .map((possible) => {
            const { event, isOpen, why, target, guards } = possible;
            const name = eventText(event);
            const key = `${event}${target}${guards.map(({ guard }) => guard).join()}`;
            if (isOpen && why === null)
              return (
                <span key={key} class={target === null ? 'open inner' : 'open'}>
                  {name}
                </span>
              );
            return (
              <span key={key} class="shut">
                {name} <span class="who">{refusalOf(possible)}</span>
              </span>
            );
          })}
      </dd>
    </>
  );
}
