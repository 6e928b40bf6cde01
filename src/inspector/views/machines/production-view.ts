import { chartsOf, ownCharts } from '../../../reading/coverage/charts.ts';
import { journalCoverage } from '../../../reading/coverage/journal-coverage.ts';
import type { ProductionView } from '../../protocol/machines.ts';
import type { Sight } from '../sight.ts';
import { mostEntries } from './traffic-window.ts';

/** Which ways of charts the newest entries of a journal have. */
export async function productionView({
  reader,
  names,
  pause,
}: Pick<Sight, 'reader' | 'names' | 'pause'>): Promise<ProductionView> {
  const { seq } = await reader.position();
  const oldest = reader.oldestSeq();
  const from = Math.max(oldest, seq - mostEntries + 1);
  const journal = await journalCoverage(reader, { from, pause });
  const machines = new Set(journal.rows.map(({ machine }) => machine));
  const known = [...machines].flatMap((machine) => names?.machine(machine) ?? []);
  return { charts: [...ownCharts, ...chartsOf(known)], ...journal, isCut: from > oldest };
}
