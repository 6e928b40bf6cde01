import type { DurableActorView, DurableState, DurableWay } from '../../../protocol/durable.ts';
import { durationText } from '../../format.ts';

/** The chart of the actor as a list of stations, inner states below those around them. */
export function ActorOutline(props: { readonly view: DurableActorView; readonly sinceMs: number }) {
  const { view, sinceMs } = props;
  const { states, noChart, machine } = view;
  return (
    <>
      <div class="bar">
        <h2 class="label">Chart</h2>
        <span class="mono quiet">{machine}</span>
      </div>
      {noChart !== null && <p class="pad quiet small">{noChart}</p>}
      {states.length > 0 && (
        <ol class="outline" aria-label={`Chart of ${view.id}, as a list`}>
          {states.map((state) => (
            <Station key={state.path} state={state} view={view} sinceMs={sinceMs} />
          ))}
        </ol>
      )}
    </>
  );
}

/** How the state where it is looks. */
const lights: Readonly<Record<DurableActorView['status'], string>> = {
  active: '',
  suspended: 'held',
  done: 'done',
  failed: 'ends',
  stopped: 'done',
};

function Station(props: {
  readonly state: DurableState;
  readonly view: DurableActorView;
  readonly sinceMs: number;
}) {
  const { state, view, sinceMs } = props;
  const { path, type, visits, ms, isNow, invokes, ways } = state;
  const isOver = view.finishedAt !== null;
  const depth = path === '' ? 0 : path.split('.').length - 1;
  const isLeaf = !view.states.some((other) => other.path.startsWith(`${path}.`));
  // A state around the present one is not where it is.
  const marks = [
    visits > 0 ? 'seen' : '',
    isNow && isLeaf ? 'now' : '',
    isNow && isLeaf ? lights[view.status] : '',
    path === '' ? 'any' : '',
    `in-${Math.min(depth, 5)}`,
  ];
  return (
    <li
      class={marks.filter((mark) => mark !== '').join(' ')}
      aria-current={isNow && isLeaf ? 'step' : undefined}
    >
      <div class="stop">
        <span class="name" title={path}>
          {path === '' ? 'any state' : path.slice(path.lastIndexOf('.') + 1)}
          {visits > 1 ? ` ×${visits}` : ''}
        </span>
        {type !== 'atomic' && type !== 'compound' && path !== '' && <span class="quiet small">{type}</span>}
        {visits > 0 && (
          <span class="dwell">{isNow && isOver ? '' : durationText(ms + (isNow ? sinceMs : 0))}</span>
        )}
      </div>
      {(ways.length > 0 || invokes.length > 0) && (
        <ul class="ways">
          {invokes.map((child) => (
            <li key={child}>runs {child}</li>
          ))}
          {ways.map((way, index) => (
            <Way key={`${index} ${way.words}`} way={way} inside={path} />
          ))}
        </ul>
      )}
    </li>
  );
}

/** Targets beside each other are called by their last key. */
function Way({
  way: { words, guard, targets },
  inside,
}: {
  readonly way: DurableWay;
  readonly inside: string;
}) {
  const outer = inside.slice(0, Math.max(0, inside.lastIndexOf('.') + 1));
  const named = targets.map((target) => (target.startsWith(outer) ? target.slice(outer.length) : target));
  return (
    <li>
      {words}
      {guard !== null && <span class="guard"> if {guard}</span>}
      {targets.length === 0 ? ', stays' : ` → ${named.join(' + ')}`}
    </li>
  );
}
