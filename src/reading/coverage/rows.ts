import type { ActorRecord } from '../../model/records/records.ts';
import type { HistoryEntry } from '../../store/entry.ts';
import type { ChartRow } from './compare/chart-row.ts';

const ownCharts: readonly string[] = ['job', 'representation', 'schedule'];

/** Reads rows from entries, oldest first. It keeps of each actor the machine that steps it, which only its first entry names. */
export class RowReader {
  /** By what a line says of charts: few lines say something else than the one before. */
  readonly #versions = new Map<string, string>();
  readonly #machines = new Map<string, { readonly machine: string; readonly version: string }>();

  /** Takes the machine of an actor from its record: its first entry may not be read. */
  know({ id, machine, version }: Pick<ActorRecord, 'id' | 'machine' | 'version'>): void {
    this.#machines.set(id, { machine, version });
  }

  /** The row of an entry; null: it moves nothing, or of its actor the beginning was not read. */
  read(entry: HistoryEntry): ChartRow | null {
    const { kind, event, from, to, mv } = entry;
    if (kind === 'actor') return this.#ofActor(entry);
    if (to === null || !ownCharts.includes(kind)) return null;
    return { machine: kind, version: this.#versionIn(mv, kind), from: from ?? '', event, to };
  }

  #ofActor({ id, event, from, to, patch, gone }: HistoryEntry): ChartRow | null {
    if (gone) {
      this.#machines.delete(id);
      return null;
    }
    const known = this.#machines.get(id);
    const { machine = known?.machine, version = known?.version } = patch ?? {};
    if (typeof machine !== 'string' || typeof version !== 'string') return null;
    if (known?.machine !== machine || known.version !== version) this.#machines.set(id, { machine, version });
    return to === null ? null : { machine, version, from: from ?? '', event, to };
  }

  #versionIn(mv: string, chart: string): string {
    const key = `${chart} ${mv}`;
    const known = this.#versions.get(key) ?? versionIn(mv, chart);
    this.#versions.set(key, known);
    return known;
  }
}

/** The version of a chart in what a line says of the charts that stepped: `job@2.91ab03,representation@1.77c1`. */
function versionIn(mv: string, chart: string): string {
  const named = mv.split(',').find((each) => each.startsWith(`${chart}@`));
  return named === undefined ? '' : (named.slice(chart.length + 1).split('.')[0] as string);
}
