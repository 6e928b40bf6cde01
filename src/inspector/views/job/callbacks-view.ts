import type { JobRecord, ProxyRecord } from '../../../model/records/records.ts';
import { statusOf } from '../../../reading/job-place.ts';
import type { Shown, ShownJob } from '../../../reading/shown.ts';
import type { StoreReader } from '../../../store/reader.ts';
import type {
  BranchView,
  CallbackJobView,
  CallbackProxyView,
  CallbacksView,
  CallbackView,
  OutcomeView,
} from '../../protocol/job.ts';
import { failureView } from '../values/failure-view.ts';
import { lineLimits, treeOf } from '../values/tree.ts';
import { shownWithHistory } from './explanation-view.ts';

const widest = 100;
const deepest = 6;

/** The callbacks of a job, as a tree: at most 100 of each job, and those of them six deep. */
export async function callbacksView(
  reader: StoreReader,
  shown: Shown,
  job: string,
  depth = 0,
): Promise<CallbacksView> {
  if (depth >= deepest) return { nodes: [], more: 0 };
  const all = await reader.callbacks(job);
  const nodes: CallbackView[] = [];
  for (const callback of all.slice(0, widest)) {
    const { kind, record } = callback;
    nodes.push(
      kind === 'job'
        ? await jobNode(reader, shown, record, depth)
        : await proxyNode(reader, shown, record, depth),
    );
  }
  return { nodes, more: all.length - nodes.length };
}

async function jobNode(
  reader: StoreReader,
  shown: Shown,
  job: JobRecord,
  depth: number,
): Promise<CallbackJobView> {
  const { id, name, state, ending, activeStart, activeEnd } = job;
  const runs = activeStart !== null && activeEnd !== null;
  return {
    is: 'job',
    id,
    name,
    status: await statusOf(reader, job),
    state,
    ending,
    outcome: outcomeView(await shownWithHistory(reader, shown, job), true),
    runMs: runs ? activeEnd - activeStart : null,
    callbacks: await callbacksView(reader, shown, id, depth + 1),
  };
}

async function proxyNode(
  reader: StoreReader,
  shown: Shown,
  proxy: ProxyRecord,
  depth: number,
): Promise<CallbackProxyView> {
  const { chosen, otherwise } = proxy;
  const given = [...proxy.branches, { when: null, job: otherwise }];
  const jobs = given.map(({ job }) => job);
  const branches: BranchView[] = [];
  for (const { when, job } of given) {
    const record = job === null ? undefined : await reader.get('job', job);
    branches.push({
      when,
      job: record === undefined ? null : await jobNode(reader, shown, record, depth + 1),
      // A branch without a job is called as a job of its own, which passes the outcome on.
      isChosen: chosen === null ? null : job === null ? !jobs.includes(chosen) : job === chosen,
    });
  }
  return { is: 'proxy', id: proxy.id, branches };
}

/** The outcome of a job, with what may be shown of it. */
export function outcomeView(shown: ShownJob, isShort: boolean): OutcomeView | null {
  const { outcome } = shown;
  if (outcome === null) return null;
  if (!outcome.ok) return { ok: false, failure: failureView(outcome.failure) };
  const why = shown.hidden ?? 'redacted';
  return { ok: true, value: treeOf(outcome.value, isShort ? lineLimits : undefined, why) };
}
