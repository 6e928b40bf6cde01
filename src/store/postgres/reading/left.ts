import type { JobRecord } from '../../../model/records/records.ts';
import type { RecordReader } from '../../reader.ts';
import { TableQueries } from '../../rules/table-queries.ts';
import { entriesOfCommit, storedJobOf } from '../jobs/stored-job.ts';
import type { Openings } from '../opening/openings.ts';
import { eachJob, heldColumns, heldIn, type Records, setOf } from './records.ts';

/** What else is asked. */
export interface LeftParts {
  readonly openings: Pick<Openings, 'leftBehind'>;
  readonly reading: Pick<RecordReader, 'get' | 'callbacks'>;
}

/** A record, as far as it tells who has written last. */
type Written = Pick<JobRecord, 'lastSeq'>;

/** A job, with the records of which a living process would have written one last if it were at work on it. */
interface Suspect {
  readonly job: JobRecord;
  readonly records: readonly Written[];
}

/** What processes that are gone have left: jobs that they ran outside any agent, and callbacks. */
export async function leftBehind(
  records: Records,
  { openings, reading }: LeftParts,
): Promise<readonly JobRecord[]> {
  const suspects: Suspect[] = [];
  for (const { job, left } of await orphans(records)) {
    if (await isInCare(job, reading)) continue;
    // The process that completed a job is not responsible for what others add to it later.
    suspects.push({ job, records: job.state === 'completed' ? left : await withCallbacks(job, reading) });
  }
  for (const job of await endedElsewhere(records))
    suspects.push({ job, records: await withCallbacks(job, reading) });
  if (suspects.length === 0) return [];
  const seqs = suspects.flatMap((suspect) => suspect.records.map(({ lastSeq }) => lastSeq));
  const left = await openings.leftBehind([...new Set(seqs)]);
  return suspects
    .filter((each) => each.records.every(({ lastSeq }) => left.has(lastSeq)))
    .map(({ job }) => job);
}

/** Jobs at work outside any agent, and completed ones with callbacks that are left. */
async function orphans(
  records: Records,
): Promise<readonly { readonly job: JobRecord; readonly left: readonly Written[] }[]> {
  const { schema } = records;
  const outside = await records.query(
    `SELECT a.id FROM ${schema}.aside a ${eachJob(schema, 'a.id')} WHERE a.state <> 'new' AND j.parent IS NULL`,
  );
  // Callbacks that are not over stand aside; a proxy that has not chosen has none.
  const late = await records.query(
    `SELECT p.id FROM (
       SELECT coalesce(p.job, j.parent) AS id FROM ${schema}.aside a ${eachJob(schema, 'a.id')}
         LEFT JOIN ${schema}.proxy p ON p.id = j.parent WHERE j.parent IS NOT NULL
       UNION SELECT job FROM ${schema}.proxy WHERE body ->> 'chosen' IS NULL
     ) AS p WHERE EXISTS (SELECT FROM ${schema}.done d WHERE d.id = p.id OFFSET 0)`,
  );
  const ids = [...outside, ...late].map(({ id }) => String(id));
  if (ids.length === 0) return [];
  const proxies = await records.rows('proxy', 'job = ANY ($1)', [ids]);
  const chosen = proxies.flatMap(({ body }) => (body as { readonly chosen?: string | null }).chosen ?? []);
  const found = [...(await records.byId([...ids, ...chosen])), ...(await records.under(ids))];
  const awaited = found.flatMap(({ record }) => record.waitingOn ?? []);
  const { tables } = setOf([...found, ...(await records.byId(awaited))], proxies);
  const jobs = await new TableQueries(tables).orphans();
  return jobs.map((job) => ({ job, left: tables.callbacks.left(job.id) }));
}

/**
 * Jobs at their callbacks in an agent of one process of which another has written last: it ended what they waited for, and calls
 * their callbacks outside any agent.
 */
async function endedElsewhere(records: Records): Promise<readonly JobRecord[]> {
  const { schema } = records;
  const rows = await records.query(
    `SELECT ${heldColumns}, l.epoch AS writer FROM ${heldIn(schema)} h ${eachJob(schema, 'h.id')}
     JOIN ${schema}.line l ON l.c = j.seq / ${entriesOfCommit} WHERE h.claim IS NULL OR j.seq >= h.seq`,
  );
  return rows.flatMap((row) => {
    const job = storedJobOf(row)?.record;
    return job?.state === 'callbacks' && Number(row.writer) !== job.epoch ? [job] : [];
  });
}

/**
 * A job that is not completed, and its callbacks: the process that runs it wrote one of them last. The process that added a
 * callback that has not begun need not run it.
 */
async function withCallbacks(job: JobRecord, reading: LeftParts['reading']): Promise<readonly Written[]> {
  const records: Written[] = [job];
  for (const { kind, record } of await reading.callbacks(job.id)) {
    if (kind === 'proxy' && record.chosen === null) continue;
    if (kind === 'proxy') records.push(record);
    const called = kind === 'job' ? record : await reading.get('job', record.chosen ?? '');
    if (called !== undefined && (called.state !== 'new' || called.claim > 0)) records.push(called);
  }
  return records;
}

/** Whether a system job handles it: that one is run until it has decided, even after an interruption. */
async function isInCare({ parent }: JobRecord, reading: LeftParts['reading']): Promise<boolean> {
  if (parent === null || !('system' in parent)) return false;
  const system = await reading.get('job', parent.system);
  return system !== undefined && system.state !== 'completed';
}
