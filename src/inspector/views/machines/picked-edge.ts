import type { JobRecord } from '../../../model/records/records.ts';
import { Shown } from '../../../reading/shown.ts';
import type { HistoryEntry } from '../../../store/entry.ts';
import type { StoreReader } from '../../../store/reader.ts';
import type { EdgeHeat, EdgeTaker, PickedEdge } from '../../protocol/machines.ts';
import { noteOf } from '../job/notes.ts';
import { storedCharts } from './charts.ts';
import type { Taker, Traffic } from './traffic.ts';

/** Entries of one job that are read to say what mattered, and what it has to hide. */
const mostEntries = 200;

/** An edge, with what took it last. */
export async function pickedEdge(
  reader: StoreReader,
  chart: string,
  edge: EdgeHeat,
  traffic: Traffic,
): Promise<PickedEdge> {
  const stored = storedCharts.find(({ graph }) => graph.id === chart);
  const written = stored?.graph.edges.find(
    ({ source, event, guard, target }) =>
      source === edge.source && event === edge.event && guard === edge.guard && target === edge.target,
  );
  if (stored === undefined || written === undefined) return { ...edge, takers: [] };
  const last = traffic.of(stored.kind).edges.get(written)?.last ?? [];
  const shown = await Shown.of(reader);
  const takers: EdgeTaker[] = [];
  for (const taker of last)
    takers.push(stored.kind === 'job' ? await jobTaker(reader, shown, taker) : otherTaker(taker));
  return { ...edge, takers };
}

function otherTaker({ id, at, seq }: Taker): EdgeTaker {
  return { id, name: null, at, seq, isJob: false, note: null };
}

async function jobTaker(reader: StoreReader, shown: Shown, taker: Taker): Promise<EdgeTaker> {
  const job = await reader.get('job', taker.id);
  if (job === undefined) return otherTaker(taker);
  const { id, at, seq } = taker;
  return { id, name: job.name, at, seq, isJob: true, note: await noteAt(reader, shown, job, seq) };
}

async function noteAt(reader: StoreReader, all: Shown, job: JobRecord, seq: number): Promise<string | null> {
  const entries: HistoryEntry[] = [];
  for await (const entry of reader.history('job', job.id, job.lastSeq))
    if (entries.push(entry) >= mostEntries) break;
  const entry = entries.find((each) => each.seq === seq);
  // What a setting was before is on the page of the job.
  if (entry === undefined || entry.event.endsWith('.set')) return null;
  const shown = all.job(
    job,
    entries.map(({ patch }) => patch),
  );
  const note = noteOf({ ...entry, patch: shown.patch(entry.patch ?? {}) }, {});
  return note === null ? null : shown.text(note);
}
