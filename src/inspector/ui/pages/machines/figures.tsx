import type { EdgeHeat, MachineHeat } from '../../../protocol/machines.ts';
import { edgeKey } from '../../chart/edge-key.ts';
import { countText, type Heat } from '../../chart/heat.ts';
import { shortEvent } from '../../chart/layout.ts';
import { durationText, numberText } from '../../format.ts';

/** The figures of the chart as tables: each state, and each way by its traffic. */
export function Figures(props: {
  readonly heat: Heat;
  readonly picked: string | null;
  readonly hashOf: (edge: EdgeHeat) => string;
}) {
  const { heat, picked, hashOf } = props;
  const { name, edges, traffic } = heat.machine;
  const most = [...edges].sort((one, other) => (other.count ?? 0) - (one.count ?? 0));
  return (
    <section class="area figures" aria-label="Figures">
      <StateTable heat={heat} />
      <div class="bar rule">
        <h2 class="label">Ways</h2>
        <span class="quiet">{traffic === null ? 'not recorded' : 'most taken first'}</span>
      </div>
      <table class="table">
        <thead>
          <tr>
            <th>event</th>
            <th class="fit">from → to</th>
            <th class="fit num">taken</th>
          </tr>
        </thead>
        <tbody>
          {most.map((edge) => (
            <tr key={edgeKey(edge)} aria-selected={edgeKey(edge) === picked}>
              <td title={edge.guard === null ? edge.event : `${edge.event} [${edge.guard}]`}>
                <a class="rowlink" href={hashOf(edge)}>
                  {shortEvent({ chart: name }, edge.event)}
                </a>
              </td>
              <td class="fit quiet">{placesOf(edge)}</td>
              <td class={edge.count === 0 ? 'fit num faint' : 'fit num'}>
                {edge.count === null
                  ? '–'
                  : edge.count === 0
                    ? neverText(heat.machine)
                    : numberText(edge.count)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function StateTable({ heat }: { readonly heat: Heat }) {
  return (
    <>
      <div class="bar rule">
        <h2 class="label">States</h2>
        <span class="quiet">how many now, and how long stays last</span>
      </div>
      <table class="table">
        <thead>
          <tr>
            <th>state</th>
            <th class="fit num">now</th>
            <th class="fit num">p50</th>
            <th class="fit num">p95</th>
          </tr>
        </thead>
        <tbody>
          {heat.machine.states
            .filter(({ holdsOthers }) => !holdsOthers)
            .map(({ state, isKnown, population, dwell }) => (
              <tr key={state}>
                <td title={isKnown ? state : `${state}: not in the chart of today`}>
                  {state}
                  {!isKnown && <span class="past"> not in this chart</span>}
                </td>
                <td class="fit num">{countText(population)}</td>
                <td class="fit num">{dwell === null ? '–' : durationText(dwell.p50)}</td>
                <td class="fit num">{dwell === null ? '–' : durationText(dwell.p95)}</td>
              </tr>
            ))}
        </tbody>
      </table>
    </>
  );
}

/** What is watched since a page looks was maybe taken before. */
export function neverText({ since }: Pick<MachineHeat, 'since'>): string {
  return since === null ? 'never' : 'not yet';
}

/** `pending → assigned`; an event that leaves no state: `pending`. */
export function placesOf({ source, target }: EdgeHeat): string {
  const from = source === '' ? 'any' : shortState(source);
  return target === null ? `${from}, stays` : `${from} → ${shortState(target)}`;
}

function shortState(state: string): string {
  return state.slice(state.lastIndexOf('.') + 1);
}
