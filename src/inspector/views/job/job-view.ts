import { machineVersion } from '../../../model/jobs/machine-version.ts';
import type { JobRecord } from '../../../model/records/records.ts';
import { progressAnnotation, progressOf } from '../../../model/values/progress.ts';
import { jobGraph } from '../../../reading/chart-edges.ts';
import { explainJob } from '../../../reading/explain.ts';
import type { Explanation } from '../../../reading/explanation.ts';
import { queueOf, statusOf } from '../../../reading/job-place.ts';
import { type Possibility, possible } from '../../../reading/possible.ts';
import { Shown, type ShownJob } from '../../../reading/shown.ts';
import type { HistoryEntry, Patch } from '../../../store/entry.ts';
import type { StoreReader } from '../../../store/reader.ts';
import type { AnnotationView, HistoryView, JobView, MachineName, PossibleEvent } from '../../protocol/job.ts';
import { treeOf } from '../values/tree.ts';
import { attemptViews } from './attempts.ts';
import { callbacksView, outcomeView } from './callbacks-view.ts';
import { explanationView } from './explanation-view.ts';
import { historyView } from './history-view.ts';
import { originView } from './origin-view.ts';
import { type PathTaken, pathOf } from './path.ts';

/** Lines of the history on one page. */
const pageLength = 200;

/** How many entries of one job are read: its counts are of them. */
const mostEntries = 10_000;

/** What beside the store a view may ask. */
export interface AskedBeside {
  /** Explains a job with what a process knows; without it nothing is known by name. */
  readonly explain?: (id: string) => Promise<Explanation | undefined>;
}

/** Everything that the page of a job shows; undefined when there is no such job. */
export async function jobView(
  reader: StoreReader,
  id: string,
  { explain = (of) => explainJob(reader, of, null) }: AskedBeside = {},
): Promise<JobView | undefined> {
  const read = await readJob(reader, id);
  const explanation = read === undefined ? undefined : await explain(id);
  if (read === undefined || explanation === undefined) return undefined;
  const { job, entries, all, shown, path } = read;
  const why = shown.hidden ?? 'redacted';
  const unstarted = await unstartedCount(reader, id);
  const explained = await explanationView(reader, all, explanation);
  return {
    ...facts(job, entries, reader.now()),
    status: await statusOf(reader, job),
    queue: await queueOf(reader, job),
    machine: machineOf(entries),
    explanation: explained,
    states: path.states,
    taken: path.taken,
    next: possible(job, { now: reader.now(), unstarted }).map((each) =>
      nextEvent(each, job, explained.verdict),
    ),
    history: historyOf(read),
    stop: stopView(shown, job),
    tries: attemptViews(entries, shown),
    args: shown.args.map((arg) => treeOf(arg, undefined, why)),
    outcome: outcomeView(shown, false),
    progress: await progressView(reader, id, shown),
    annotations: await annotationViews(reader, id, shown),
    callbacks: await callbacksView(reader, all, id),
    raw: treeOf(shown.patch(job as unknown as Patch), undefined, why),
    hidden: shown.hidden,
    unsound: (job.unsound ?? []).map(([key]) => key),
    origin: await originView(reader, job, shown),
  };
}

/** An earlier page of the history of a job: the lines before a seq. */
export async function jobHistory(
  reader: StoreReader,
  id: string,
  before?: number,
): Promise<HistoryView | undefined> {
  const read = await readJob(reader, id);
  return read === undefined ? undefined : historyOf(read, before);
}

interface Read {
  readonly job: JobRecord;
  /** Oldest first. */
  readonly entries: readonly HistoryEntry[];
  readonly isPartial: boolean;
  readonly all: Shown;
  readonly shown: ShownJob;
  readonly path: PathTaken;
  readonly keptFrom: number;
}

async function readJob(reader: StoreReader, id: string): Promise<Read | undefined> {
  const job = await reader.get('job', id);
  if (job === undefined) return undefined;
  const entries: HistoryEntry[] = [];
  for await (const entry of reader.history('job', id, job.lastSeq))
    if (entries.push(entry) >= mostEntries) break;
  entries.reverse();
  const all = await Shown.of(reader);
  const patches = entries.map(({ patch }) => patch);
  return {
    job,
    entries,
    isPartial: entries.length >= mostEntries,
    all,
    shown: all.job(job, patches),
    path: pathOf(entries, reader.now()),
    keptFrom: reader.oldestSeq(),
  };
}

function historyOf({ path, ...read }: Read, before?: number): HistoryView {
  return historyView({ ...read, edges: path.edges }, pageLength, before);
}

/** How many callbacks have not begun: an undecided proxy is one. */
async function unstartedCount(reader: StoreReader, id: string): Promise<number> {
  let count = 0;
  for (const { kind, record } of await reader.callbacks(id)) {
    const called = kind === 'job' ? record : await reader.get('job', record.chosen ?? '');
    if (called === undefined || called.state === 'new') count += 1;
  }
  return count;
}

/** What the record itself says, and when it began. */
function facts(job: JobRecord, entries: readonly HistoryEntry[], now: number) {
  const { id, name, state, ending, parent, quotas, attempts, beginAfter } = job;
  const { priority, timeout, deadline, snoozed } = job;
  const isHeld = parent !== null && 'agent' in parent;
  const first = entries[0]?.q === 0 ? entries[0] : undefined;
  const end = entries.findLast(({ to, from }) => to === 'completed' && from !== to)?.at ?? job.activeEnd;
  const until = state === 'completed' ? (end ?? now) : now;
  return {
    id,
    name,
    state,
    ending,
    agent: isHeld ? { name: parent.agent, dispatcher: parent.dispatcher } : null,
    parent: parentOf(job),
    quotas,
    attempts,
    priority,
    timeoutMs: timeout,
    deadline,
    snoozes: snoozed?.times ?? 0,
    putAt: first === undefined ? null : (entries.find(({ event }) => event === 'job.put')?.at ?? null),
    beginAfter,
    totalMs: entries[0] === undefined ? null : Math.max(0, until - entries[0].at),
  };
}

function parentOf({ parent }: JobRecord): string | null {
  if (parent === null) return null;
  if ('job' in parent) return parent.job;
  return 'system' in parent ? parent.system : null;
}

function stopView(shown: ShownJob, { stop }: JobRecord): JobView['stop'] {
  if (stop === null) return null;
  return { ...stop, reason: stop.reason === null ? null : shown.reason(stop.reason) };
}

/** The chart that made the newest entry: stores that say it name it in each entry. */
function machineOf(entries: readonly HistoryEntry[]): MachineName {
  const stepped = ofJob(entries.at(-1)?.mv);
  return {
    name: `${jobGraph.id}@${jobGraph.version ?? '?'}`,
    stepped,
    isCurrent: stepped === null ? null : stepped === ofJob(machineVersion),
  };
}

function ofJob(version: string | undefined): string | null {
  return version?.split(',').find((chart) => chart.startsWith('job@')) ?? null;
}

/** A claim asks more than the chart: what stops it there closes it here. */
function nextEvent(
  { event, source, target, to, by, isOpen, guards }: Possibility,
  job: JobRecord,
  verdict: JobView['explanation']['verdict'],
): PossibleEvent {
  const isStopped = event === 'job.claim' && job.state === 'pending' && verdict.code !== 'offered';
  return {
    event,
    source,
    target,
    guard: guards[0]?.guard ?? null,
    to,
    by,
    isOpen: isOpen && !isStopped,
    guards,
    why: isStopped ? verdict.text : null,
  };
}

async function progressView(reader: StoreReader, id: string, shown: ShownJob): Promise<JobView['progress']> {
  const annotation = await reader.get('annotation', `${id}/${progressAnnotation}`);
  const progress = progressOf(annotation?.value);
  if (progress === null) return null;
  return { ...progress, note: progress.note === null ? null : shown.reason(progress.note) };
}

async function annotationViews(
  reader: StoreReader,
  id: string,
  shown: ShownJob,
): Promise<readonly AnnotationView[]> {
  const views: AnnotationView[] = [];
  for (const { id: subject, value } of await reader.annotations(id)) {
    let at: number | null = null;
    for await (const entry of reader.history('annotation', subject)) {
      at = entry.at;
      break;
    }
    const tree = treeOf(shown.annotation(value), undefined, shown.hidden ?? 'redacted');
    views.push({ name: subject.slice(id.length + 1), value: tree, at });
  }
  return views;
}
