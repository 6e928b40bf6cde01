import { explainJob } from '../../../reading/explain.ts';
import { Shown } from '../../../reading/shown.ts';
import type { StoreReader } from '../../../store/reader.ts';
import type { ExplanationView } from '../../protocol/explanation.ts';
import type { HeldRow, OverviewView, QueueRow } from '../../protocol/overview.ts';
import type { ActorSource } from '../actors/actor-source.ts';
import { explanationView } from '../job/explanation-view.ts';
import type { AskedBeside } from '../job/job-view.ts';
import { jobLife, jobRow } from '../jobs/job-row.ts';
import { type AttentionFacts, attentionOf, attentionRules } from './attention.ts';
import { failureGroups } from './failing.ts';
import { dispatcherRows, queueRows } from './queue-rows.ts';
import { endedView, medianRuns, type Recent, recentlyEnded, windowMs } from './recent.ts';

/** How many of the jobs that are held longest are shown. */
const mostHeld = 5;

/** Everything that the overview shows. */
export async function overviewView(
  reader: StoreReader,
  asked: AskedBeside & { readonly source?: ActorSource | null } = {},
): Promise<OverviewView> {
  const shown = await Shown.of(reader);
  const now = reader.now();
  const { lists } = await reader.counts();
  const queues = await queueRows(reader);
  const recent = await recentlyEnded(reader, now - windowMs);
  const facts: AttentionFacts = {
    now,
    quarantined: lists.quarantined.n,
    queues,
    dispatchers: await dispatcherRows(reader, queues, asked.source ?? null),
    heldLongest: await heldLongest(reader, shown, recent),
    failing: await failureGroups(reader, shown, recent.jobs),
    suspended: await suspendedActors(reader),
    firstWaiting: await firstWaiting(reader, shown, queues, asked),
  };
  const { dispatchers, heldLongest: longest, failing } = facts;
  const agents = queues.flatMap((queue) => queue.agents);
  const oldest = queues.flatMap(({ oldestMs }) => oldestMs ?? []);
  return {
    attention: attentionOf(facts),
    rules: attentionRules.length,
    waiting: { count: lists.waiting, oldestMs: oldest.length === 0 ? null : Math.max(...oldest) },
    slots: {
      held: agents.reduce((sum, { held }) => sum + held, 0),
      size: agents.reduce((sum, { size }) => sum + size, 0),
      agents,
    },
    ended: endedView(recent, now),
    queues,
    dispatchers,
    heldLongest: longest,
    heldCount: lists.held,
    failing,
  };
}

/** By the start of their last attempt: what is held and not called yet has run for no time. */
async function heldLongest(reader: StoreReader, shown: Shown, recent: Recent): Promise<readonly HeldRow[]> {
  const now = reader.now();
  const medians = medianRuns(recent, now);
  const { jobs } = await reader.jobsPage({ list: 'held', limit: 200 });
  const started = jobs.filter(({ activeStart, activeEnd }) => activeStart !== null && activeEnd === null);
  const first = started
    .sort((one, other) => (one.activeStart ?? now) - (other.activeStart ?? now))
    .slice(0, mostHeld);
  const rows: HeldRow[] = [];
  for (const job of first) {
    const heldMs = Math.max(0, now - (job.activeStart ?? now));
    const median = medians.get(job.name) ?? 0;
    const timesMedian = median === 0 ? null : heldMs / median;
    rows.push({ ...(await jobRow(reader, await jobLife(reader, shown, job))), heldMs, timesMedian });
  }
  return rows;
}

/** Of each machine, how many actors are suspended. */
async function suspendedActors(reader: StoreReader): Promise<AttentionFacts['suspended']> {
  const counts = new Map<string, number>();
  for (const { machine, status, n } of await reader.actorCounts())
    if (status === 'suspended') counts.set(machine, (counts.get(machine) ?? 0) + n);
  const found: AttentionFacts['suspended'][number][] = [];
  for (const [machine, n] of counts) {
    const { actors } = await reader.actorsPage({ machine, status: ['suspended'], limit: 1 });
    found.push({ machine, n, first: actors[0]?.id ?? '' });
  }
  return found;
}

/** Why the first due job of each queue waits. */
async function firstWaiting(
  reader: StoreReader,
  shown: Shown,
  queues: readonly QueueRow[],
  { explain = (of) => explainJob(reader, of, null) }: AskedBeside,
): Promise<ReadonlyMap<string, ExplanationView>> {
  const found = new Map<string, ExplanationView>();
  for (const { name, oldestMs } of queues) {
    const [first] = oldestMs === null ? [] : await reader.waiting(name, 1);
    const explanation = first === undefined ? undefined : await explain(first.id);
    if (explanation !== undefined) found.set(name, await explanationView(reader, shown, explanation));
  }
  return found;
}
