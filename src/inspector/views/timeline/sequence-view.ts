import type { JobRecord } from '../../../model/records/records.ts';
import { Shown } from '../../../reading/shown.ts';
import type { HistoryEntry, Patch } from '../../../store/entry.ts';
import type { StoreReader } from '../../../store/reader.ts';
import type { SequenceView } from '../../protocol/timeline.ts';
import { historyView } from '../job/history-view.ts';
import { sequenceOf } from './sequence.ts';
import { jobLane, type Role, storeLane, type Told } from './sequence-messages.ts';
import { isDense } from './walk.ts';

/** Entries that are read: of the job, and of each neighbour. */
const [mostEntries, mostOfNeighbour] = [1000, 100];
/** Neighbours that are read. */
const mostNeighbours = 6;

/** Who sent what to whom about one job. Undefined: there is no such job. */
export async function sequenceView(
  reader: StoreReader,
  id: string,
  options: { readonly isFolded: boolean; readonly withNeighbours: boolean },
): Promise<SequenceView | undefined> {
  const job = await reader.get('job', id);
  if (job === undefined) return undefined;
  const shown = await Shown.of(reader);
  const own = await read(reader, job, mostEntries);
  const told = toldOf(reader, shown, own, 'itself');
  if (options.withNeighbours)
    for (const { role, record } of await neighbours(reader, job, own.entries))
      told.push(...toldOf(reader, shown, await read(reader, record, mostOfNeighbour), role));
  told.sort((one, other) => one.line.seq - other.line.seq);
  return sequenceOf({ id, name: job.name, told, isCut: own.isPartial, isDense: isDense(reader) }, options);
}

interface ReadJob {
  readonly job: JobRecord;
  /** Oldest first. */
  readonly entries: readonly HistoryEntry[];
  readonly isPartial: boolean;
}

async function read(reader: StoreReader, job: JobRecord, most: number): Promise<ReadJob> {
  const entries: HistoryEntry[] = [];
  for await (const entry of reader.history('job', job.id, job.lastSeq))
    if (entries.push(entry) >= most) break;
  entries.reverse();
  return { job, entries, isPartial: (entries[0]?.q ?? 0) > 0 };
}

/** Parent, callbacks, and what it waits or waited for: the newest of them. */
async function neighbours(
  reader: StoreReader,
  job: JobRecord,
  entries: readonly HistoryEntry[],
): Promise<readonly { readonly role: Role; readonly record: JobRecord }[]> {
  const ids = new Map<string, Role>();
  const { parent } = job;
  if (parent !== null && 'job' in parent) ids.set(parent.job, 'parent');
  if (parent !== null && 'proxy' in parent) {
    const proxy = await reader.get('proxy', parent.proxy);
    if (proxy !== undefined && 'job' in proxy.parent) ids.set(proxy.parent.job, 'parent');
  }
  for (const { patch } of entries) {
    const on = patch?.waitingOn;
    if (typeof on === 'string' && on !== 'promise') ids.set(on, 'awaited');
  }
  for (const callback of await reader.callbacks(job.id)) {
    const called = callback.kind === 'job' ? callback.record.id : callback.record.chosen;
    if (called !== null) ids.set(called, 'callback');
  }
  const found: { role: Role; record: JobRecord }[] = [];
  for (const [id, role] of [...ids].slice(0, mostNeighbours)) {
    const record = await reader.get('job', id);
    if (record !== undefined && id !== job.id) found.push({ role, record });
  }
  return found;
}

function toldOf(reader: StoreReader, all: Shown, { job, entries, isPartial }: ReadJob, role: Role): Told[] {
  const shown = all.job(
    job,
    entries.map(({ patch }) => patch),
  );
  const of = { entries, isPartial, keptFrom: reader.oldestSeq(), shown, edges: new Map<number, number>() };
  const { lines } = historyView(of, entries.length);
  let [agent, due]: [string | null, number] = [null, 0];
  return lines.map((line, index) => {
    const patch: Patch = entries[index]?.patch ?? {};
    const held = agent;
    agent = agentAfter(patch, agent);
    if (typeof patch.beginAfter === 'number') due = patch.beginAfter;
    const { waitingOn } = patch;
    const awaited = typeof waitingOn === 'string' && waitingOn !== 'promise' ? jobLane(waitingOn) : null;
    return {
      line,
      job: job.id,
      name: job.name,
      role,
      sender: senderOf(line.by, agent ?? held),
      awaited,
      due,
    };
  });
}

/** The agent that holds the job after an entry; null: none. */
function agentAfter({ parent }: Patch, before: string | null): string | null {
  if (parent === undefined) return before;
  const place = parent as { readonly dispatcher?: string; readonly agent?: string } | null;
  return place?.agent === undefined ? null : `agent/${place.dispatcher}/${place.agent}`;
}

/** An agent speaks for its dispatcher while it holds the job. */
function senderOf(by: string, agent: string | null): string {
  if (by === 'store' || by === 'retention') return storeLane;
  if (by === 'client') return 'client';
  return agent?.startsWith(`agent/${by}/`) === true ? agent : `by/${by}`;
}
