import type { JobRecord, ProxyRecord } from '../../../model/records/records.ts';
import { TableQueries } from '../../rules/table-queries.ts';
import type { Tables } from '../../rules/tables.ts';
import { entriesOfCommit } from '../jobs/stored-job.ts';
import type { Openings } from '../opening/openings.ts';
import { eachJob, heldColumns, heldIn, idsOf, jobsOf, type Records, recordsOf, tablesOf } from './records.ts';

/**
 * What processes that are gone have left: jobs that they ran outside any agent, and callbacks. A living process that were at work on
 * one would have written one of its records last.
 */
export async function leftBehind(
  records: Records,
  openings: Pick<Openings, 'leftBehind'>,
): Promise<readonly JobRecord[]> {
  const elsewhere = await endedElsewhere(records);
  const tables = await around(records, [...(await outside(records)), ...elsewhere.map(({ id }) => id)]);
  const queries = new TableQueries(tables);
  const suspects: { readonly job: JobRecord; readonly seqs: readonly number[] }[] = [];
  for (const job of [...(await queries.orphans()), ...elsewhere]) {
    if (isInCare(job, tables)) continue;
    // The process that completed a job is not responsible for what others add to it later.
    const own = job.state === 'completed' ? tables.callbacks.left(job.id) : await withCallbacks(job, queries);
    suspects.push({ job, seqs: own.map(({ lastSeq }) => lastSeq) });
  }
  if (suspects.length === 0) return [];
  const left = await openings.leftBehind([...new Set(suspects.flatMap(({ seqs }) => seqs))]);
  return suspects.filter(({ seqs }) => seqs.every((seq) => left.has(seq))).map(({ job }) => job);
}

/** Jobs with their callbacks, and what tells whether someone looks after them. */
async function around(records: Records, ids: readonly string[]): Promise<Tables> {
  if (ids.length === 0) return tablesOf([]);
  const proxies = await records.rows('proxy', 'job = ANY ($1)', [ids]);
  const chosen = proxies.flatMap(({ body }) => (body as { readonly chosen?: string | null }).chosen ?? []);
  const found = [...(await records.byId([...ids, ...chosen])), ...(await records.under(ids))];
  const others = recordsOf(found).flatMap(({ waitingOn, parent }) => [
    ...(waitingOn === null ? [] : [waitingOn]),
    ...(parent !== null && 'system' in parent ? [parent.system] : []),
  ]);
  return tablesOf([...found, ...(await records.byId(others))], proxies);
}

/** Jobs at work outside any agent, and completed ones with callbacks that may be left. */
async function outside({ schema, query }: Records): Promise<readonly string[]> {
  // Callbacks that are not over stand aside; a proxy that has not chosen has none.
  const rows = await query(
    `SELECT a.id FROM ${schema}.aside a ${eachJob(schema, 'a.id')} WHERE a.state <> 'new' AND j.parent IS NULL
     UNION ALL SELECT p.id FROM (
       SELECT coalesce(p.job, j.parent) AS id FROM ${schema}.aside a ${eachJob(schema, 'a.id')}
         LEFT JOIN ${schema}.proxy p ON p.id = j.parent WHERE j.parent IS NOT NULL
       UNION SELECT job FROM ${schema}.proxy WHERE body ->> 'chosen' IS NULL
     ) AS p WHERE EXISTS (SELECT FROM ${schema}.done d WHERE d.id = p.id OFFSET 0)`,
  );
  return idsOf(rows);
}

/**
 * Jobs at their callbacks in an agent of one process of which another has written last: it ended what they waited for, and calls
 * their callbacks outside any agent.
 */
async function endedElsewhere({ schema, query }: Records): Promise<readonly JobRecord[]> {
  const rows = await query(
    `SELECT ${heldColumns}, l.epoch AS writer FROM ${heldIn(schema)} h ${eachJob(schema, 'h.id')}
     JOIN ${schema}.line l ON l.c = j.seq / ${entriesOfCommit} WHERE coalesce(h.claim, h.own) IS NULL OR j.seq >= h.seq`,
  );
  const writers = new Map(rows.map(({ id, writer }) => [String(id), Number(writer)]));
  return recordsOf(jobsOf(rows)).filter(
    ({ id, state, epoch }) => state === 'callbacks' && writers.get(id) !== epoch,
  );
}

/**
 * A job that is not completed, and its callbacks: the process that runs it wrote one of them last. The process that added a
 * callback that has not begun need not run it.
 */
async function withCallbacks(
  job: JobRecord,
  queries: TableQueries,
): Promise<readonly (JobRecord | ProxyRecord)[]> {
  const records: (JobRecord | ProxyRecord)[] = [job];
  for (const { kind, record } of await queries.callbacks(job.id)) {
    if (kind === 'proxy' && record.chosen === null) continue;
    if (kind === 'proxy') records.push(record);
    const called = kind === 'job' ? record : await queries.get('job', record.chosen ?? '');
    if (called !== undefined && (called.state !== 'new' || called.claim > 0)) records.push(called);
  }
  return records;
}

/** Whether a system job handles it: that one is run until it has decided, even after an interruption. */
function isInCare({ parent }: JobRecord, tables: Tables): boolean {
  const system = parent !== null && 'system' in parent ? tables.findJob(parent.system) : undefined;
  return system !== undefined && system.state !== 'completed';
}
