import type { MachineRow } from '../../../protocol/machines.ts';
import { countText } from '../../chart/heat.ts';
import { numberText } from '../../format.ts';
import { MachineCell } from './machine-cell.tsx';
import { TestsInput } from './tests-drop.tsx';

/** Every chart of the engine, one a line. */
export function MachineList(props: { readonly machines: readonly MachineRow[]; readonly chosen: string }) {
  const { machines, chosen } = props;
  return (
    <section class="area list" aria-label="Machines">
      <div class="bar">
        <h2 class="label">Machines</h2>
        <span class="mono quiet">{machines.length}</span>
        <span class="end">
          <TestsInput label="Compare with tests…" />
        </span>
      </div>
      <table class="table">
        <thead>
          <tr>
            <th>chart</th>
            <th class="fit num">now</th>
            <th class="fit num">traffic</th>
            <th class="fit num">never</th>
          </tr>
        </thead>
        <tbody>
          {machines.map(({ name, version, population, traffic, never }) => (
            <tr key={name} aria-selected={name === chosen}>
              <MachineCell name={name} version={version} isChosen={name === chosen} />
              <td class="fit num">{countText(population)}</td>
              <td class="fit num">{traffic === null ? '–' : numberText(traffic)}</td>
              <td class="fit num">{never ?? '–'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
