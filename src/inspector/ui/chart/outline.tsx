import { durationText, eventText } from '../format.ts';
import { Glyph, State } from '../parts/glyph.tsx';
import { isBad } from '../state.ts';
import { refusalOf } from './chart.tsx';
import type { Way } from './way.ts';

/** The chart as a list of stations: for those who hear the page, and on a phone. */
export function Outline({ way, sinceMs }: { readonly way: Way; readonly sinceMs: number }) {
  const leaves = way.states.filter(
    ({ state }) => state !== '' && !way.states.some((other) => other.state.startsWith(`${state}.`)),
  );
  return (
    <ol class="outline" aria-label="Chart of this job, as a list">
      {leaves.map(({ state, visits, ms, isNow, isKnown }) => {
        const isOver = isNow && state === 'completed';
        const classes = [
          visits > 0 ? 'seen' : '',
          isNow ? 'now' : '',
          isOver ? (isBad(way.ending) ? 'ends' : 'done') : '',
        ];
        const names = classes.filter((name) => name !== '').join(' ');
        return (
          <li key={state} class={names} aria-current={isNow ? 'step' : undefined}>
            <div class="stop">
              <span class="name">
                {state}
                {visits > 0 ? ` ×${visits}` : ''}
              </span>
              {!isKnown && <span class="quiet">not in the chart of today</span>}
              {isOver && <State state={state} ending={way.ending} />}
              <span class="dwell">{visits > 0 ? durationText(ms + (isNow ? sinceMs : 0), true) : '–'}</span>
            </div>
            <Ways way={way} state={state} isNow={isNow} wasHere={visits > 0} />
          </li>
        );
      })}
    </ol>
  );
}

function Ways(props: {
  readonly way: Way;
  readonly state: string;
  readonly isNow: boolean;
  readonly wasHere: boolean;
}) {
  const { way, state, isNow, wasHere } = props;
  const within = (source: string): boolean =>
    source === state || (source !== '' && state.startsWith(`${source}.`));
  // The ways out of a state around it were taken only from where the job was.
  const taken = way.taken.filter(
    ({ source, target }) => target !== null && (source === state || (wasHere && within(source))),
  );
  const open = isNow
    ? way.next.filter(({ target, isOpen, why }) => target !== null && isOpen && why === null)
    : [];
  const shut = isNow
    ? way.next.filter(({ target, isOpen, why }) => target !== null && !(isOpen && why === null))
    : [];
  if (taken.length + open.length + shut.length === 0) return null;
  return (
    <ul class="ways">
      {taken.map(({ event, target, count }) => (
        <li key={`t${event}${target}`}>
          <b>
            {eventText(event)} ×{count}
          </b>{' '}
          → {target}
        </li>
      ))}
      {open.map(({ event, target }) => (
        <li key={`o${event}${target}`} class="is">
          can: {eventText(event)} → {target}
        </li>
      ))}
      {shut.map((possible) => (
        <li key={`s${possible.event}${possible.target}`} class="fails">
          <Glyph name="failed" /> {eventText(possible.event)} → {possible.target}: {refusalOf(possible)}
        </li>
      ))}
    </ul>
  );
}
