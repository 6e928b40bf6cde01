import { endings } from '../../../../machines/job.context.ts';
import { matchesPattern } from '../../../model/jobs/filter.ts';
import { jobChart } from '../../../model/jobs/machine-version.ts';
import { isFailed } from '../../../model/jobs/step.ts';
import type { JobRecord } from '../../../model/records/records.ts';
import type { JobPage, JobPageRequest } from '../../reader.ts';
import { defaultLook, isWanted, listed, listedById, mostJobs, pageOf } from '../../rules/lists/page.ts';
import { firstOf } from './queues.ts';
import {
  eachJob,
  heldIdsIn,
  idsOf,
  jobsOf,
  type NumberedLane,
  queriesOf,
  type Records,
  recordsOf,
  waitingIn,
} from './records.ts';

/** How many waiting jobs are looked at. */
const mostWaiting = 2000;
/** How many jobs are read at a time where each has to be looked at. */
const pieceOfSieve = 500;
/** One piece of a list: jobs that may be wanted, by the key that orders the list. */
interface Piece {
  readonly found: readonly { readonly id: string; readonly key: string; readonly looked: number }[];
  /** How many jobs of the list it covers, and the key of the last; null: nothing is behind it. */
  readonly looked: number;
  readonly last: string | null;
}

/** Reads the piece behind a key: at most so many jobs that may be wanted, among so many. */
type Pieces = (after: string | null, most: number, look: number) => Promise<Piece>;

export async function jobsPage(records: Records, request: JobPageRequest): Promise<JobPage> {
  const { schema } = records;
  switch (request.list) {
    case 'waiting':
      return waitingPage(records, request);
    case 'quarantined':
      return pageOf(listedById(await quarantined(records)), request);
    case 'all':
      return pageBy(records, request, await byAge(records, request));
    case 'tagged': {
      const text = `SELECT t.id, t.seq AS key FROM ${schema}.tag t WHERE t.tag = $3 AND t.seq < $1 ORDER BY t.seq DESC LIMIT $2`;
      const first = String(Number.MAX_SAFE_INTEGER);
      return pageBy(records, request, simple(records, text, first, request.tag ?? ''));
    }
    case 'held': {
      const text = `SELECT h.id, h.seq AS key FROM ${heldIdsIn(schema)} h WHERE h.seq > $1 AND ($3::text IS NULL OR h.queue = $3)
        ORDER BY h.seq LIMIT $2`;
      return pageBy(records, request, simple(records, text, '0', request.queue ?? null));
    }
    case 'unplaced': {
      const text = `SELECT a.id, a.id AS key FROM ${schema}.aside a ${eachJob(schema, 'a.id')}
        WHERE a.id > $1 AND j.parent IS NULL AND a.state = ANY ($3) ORDER BY a.id LIMIT $2`;
      return pageBy(records, request, simple(records, text, '', jobChart.states));
    }
    default:
      return pageBy(records, request, await ended(records, request));
  }
}

export async function quarantined(records: Records): Promise<readonly JobRecord[]> {
  const rows = await records.query(
    `SELECT id FROM ${records.schema}.aside WHERE state <> 'new' AND state <> ALL ($1) ORDER BY id`,
    [jobChart.states],
  );
  return queriesOf(await records.byId(idsOf(rows))).quarantined();
}

/** Queue after queue, as far as the page goes. */
async function waitingPage(records: Records, request: JobPageRequest): Promise<JobPage> {
  const { queue, names, after = '' } = request;
  const lanes = (await records.lanes(queue)).filter(({ name }) => isNamed(names, name));
  const queues = [...new Set(lanes.map((lane) => lane.queue))].sort();
  const at = Number(after.slice(0, Math.max(0, after.indexOf(':'))));
  let depth = (Number.isSafeInteger(at) && at >= 0 ? at : 0) + Math.min(request.limit, mostJobs) + 2;
  for (; ; depth *= 4) {
    const most = Math.min(depth, mostWaiting);
    const jobs: JobRecord[] = [];
    for (const name of queues) {
      if (jobs.length > most) break;
      const own = lanes.filter((lane) => lane.queue === name);
      jobs.push(...(await firstOf(records, name, own, most + 1 - jobs.length)));
    }
    const first = jobs.slice(0, most);
    const isCut = jobs.length > most;
    // One that was taken stood behind those that were taken before it: what comes after it now comes first.
    const behind = (id: string): number => first.findIndex((job) => job.id === id) + 1;
    const page = pageOf({ ...listed(first, isCut), behind }, request);
    if (page.next !== null || !isCut || most === mostWaiting) return page;
  }
}

/** A list that one statement reads in its order: of the key, how many, and more values. */
function simple({ query }: Records, text: string, first: string, ...values: readonly unknown[]): Pieces {
  return async (after, most) => {
    const rows = await query(text, [after ?? first, most, ...values]);
    const found = rows.map((row, at) => ({ id: String(row.id), key: String(row.key), looked: at + 1 }));
    return { found, looked: rows.length, last: rows.length < most ? null : (found.at(-1)?.key ?? null) };
  };
}

/**
 * All jobs by id, the greatest first: ids begin with their time. Where only some statuses are wanted, they are found where those
 * stand. What a lane does not say lets a job through.
 */
async function byAge(records: Records, request: JobPageRequest): Promise<Pieces> {
  const { schema } = records;
  const { queue, names, status, ending = null } = request;
  const all = await records.lanes();
  const isMeant = (lane: NumberedLane): boolean =>
    (queue === undefined || lane.queue === queue) && isNamed(names, lane.name);
  const lanes = queue === undefined && names === undefined ? null : all.filter(isMeant).map(({ id }) => id);
  const numbers = ending?.map((each) => endings.indexOf(each)) ?? null;
  const values: unknown[] = [lanes, numbers];
  const waiting = (isFiled: boolean | null): string => {
    values.push(all.filter((lane) => isFiled === null || lane.isOver === isFiled).map(({ id }) => id));
    return `${waitingIn(schema, `$${values.length + 2}`)} AS w`;
  };
  const unknown = 'NULL::integer AS lane, NULL::smallint AS ending';
  let source = `SELECT id, lane, NULL::smallint AS ending FROM ${schema}.job`;
  if (ending !== null || status?.every((each) => each === 'COMPLETED') === true)
    // Those that failed while they wait, and those whose callbacks are not over, are not filed yet.
    source = `SELECT id, lane, ending FROM ${schema}.done UNION ALL SELECT id, ${unknown} FROM ${waiting(true)}
      UNION ALL SELECT id, ${unknown} FROM ${heldIdsIn(schema)} AS h
      UNION ALL SELECT id, ${unknown} FROM ${schema}.aside WHERE state = 'completed'`;
  else if (status !== undefined && !status.includes('COMPLETED'))
    source = `SELECT id, ${unknown} FROM ${waiting(null)} UNION ALL SELECT id, ${unknown} FROM ${heldIdsIn(schema)} AS h
      UNION ALL SELECT id, ${unknown} FROM ${schema}.aside`;
  const text = `SELECT s.id, s.id AS key FROM (${source}) AS s
    WHERE s.id < $1 AND ($3::integer[] IS NULL OR coalesce(s.lane, 0) = 0 OR s.lane = ANY ($3))
      AND ($4::smallint[] IS NULL OR s.ending IS NULL OR s.ending = ANY ($4))
    ORDER BY s.id DESC LIMIT $2`;
  return simple(records, text, '\u{10ffff}', ...values);
}

/** What is over, newest first. */
async function ended(records: Records, { list, queue, names }: JobPageRequest): Promise<Pieces> {
  const { schema } = records;
  const all = await records.lanes();
  const isMeant = (lane: NumberedLane): boolean =>
    (queue === undefined || lane.queue === queue) && isNamed(names, lane.name);
  // A job that never waited has no lane.
  const lanes =
    queue === undefined && names === undefined ? null : [0, ...all.filter(isMeant).map(({ id }) => id)];
  const filed = all.filter(({ isOver }) => isOver).map(({ id }) => id);
  // Those that failed while they wait are not filed yet.
  const overText = `SELECT j.id, j.seq FROM ${waitingIn(schema, '$1')} AS w ${eachJob(schema, 'w.id')}`;
  const over = filed.length === 0 ? [] : await records.query(overText, [filed]);
  return async (after, most, look) => {
    const from =
      after === null || !Number.isSafeInteger(Number(after)) ? Number.MAX_SAFE_INTEGER : Number(after);
    const values = [from, list === 'failed', lanes, most, look];
    const rows = await records.query(`SELECT * FROM ${schema}.ended($1, $2, $3, $4, $5)`, values);
    const { seq: last = null, n: looked } = rows.at(-1) ?? {};
    const behind = over.filter(({ seq }) => Number(seq) < from && Number(seq) > Number(last ?? -1));
    const jobs = [...rows.slice(0, -1), ...behind].sort((one, other) => Number(other.seq) - Number(one.seq));
    let before = 0;
    const found = jobs.map(({ id, seq, n }) => {
      if (n === undefined) before += 1;
      return { id: String(id), key: String(seq), looked: Number(n ?? 0) + before };
    });
    return { found, looked: Number(looked) + before, last: last === null ? null : String(last) };
  };
}

/** A page of a list of which each job has a key. A cursor is that of the last job that was looked at. */
async function pageBy(records: Records, request: JobPageRequest, pieces: Pieces): Promise<JobPage> {
  const { look = defaultLook, names, matches } = request;
  const limit = Math.min(Math.max(1, request.limit), mostJobs);
  const { list, status } = request;
  const isSieve = list === 'all' || names !== undefined || status !== undefined || matches !== undefined;
  const jobs: JobRecord[] = [];
  let at = request.after ?? null;
  let looked = 0;
  while (looked < look && jobs.length < limit) {
    const most = Math.min(look - looked, isSieve ? pieceOfSieve : limit - jobs.length);
    // One more, which shows whether the list goes on.
    const piece = await pieces(at, most + 1, look - looked + 1);
    const wanted = piece.found.slice(0, most);
    const byId = new Map(recordsOf(await records.byId(idsOf(wanted))).map((job) => [job.id, job]));
    const before = looked;
    for (const { id, key, looked: n } of wanted) {
      if (jobs.length === limit || before + n > look)
        return { jobs, next: at, looked, isCut: jobs.length < limit };
      [at, looked] = [key, before + n];
      const job = byId.get(id);
      if (job !== undefined && isIn(request, job) && isWanted(job, request)) jobs.push(job);
    }
    if (piece.found.length > most) continue;
    [at, looked] = [piece.last ?? at, Math.min(look, before + piece.looked)];
    if (piece.last === null && before + piece.looked <= look)
      return { jobs, next: null, looked, isCut: false };
  }
  return { jobs, next: at, looked, isCut: jobs.length < limit };
}

/** Whether it belongs to the list still, and those that fail while they wait, already. */
function isIn({ list, tag }: JobPageRequest, { state, ending, tags }: JobRecord): boolean {
  if (list === 'tagged') return tags?.includes(tag ?? '') === true;
  if (list === 'ended') return state === 'completed';
  return list !== 'failed' || (state === 'completed' && isFailed(ending));
}

function isNamed(names: readonly string[] | undefined, name: string): boolean {
  return names === undefined || names.some((pattern) => matchesPattern(pattern, name));
}

/** Jobs that an agent has completed, newest first, among the newest that are over. */
export async function completedOf(
  records: Records,
  queue: string,
  dispatcher: string,
  agent: string,
): Promise<readonly JobRecord[]> {
  const { schema } = records;
  const lanes = (await records.lanes(queue)).map(({ id }) => id);
  const place = [JSON.stringify({ dispatcher }).slice(1, -1), JSON.stringify({ agent }).slice(1, -1)];
  const rows = await records.query(
    `SELECT j.id, j.rev, j.seq, j.lane, j.doc, 'done' AS place, d.seq AS done_seq, d.patch
     FROM ${schema}.ended($1, false, $2, ${defaultLook}, ${defaultLook}) AS e ${eachJob(schema, 'e.id')}
     JOIN LATERAL (SELECT * FROM ${schema}.done o WHERE o.id = e.id OFFSET 0) AS d ON true
     WHERE strpos(d.patch || j.doc, $3) > 0 AND strpos(d.patch || j.doc, $4) > 0`,
    [Number.MAX_SAFE_INTEGER, [0, ...lanes], ...place],
  );
  return queriesOf(jobsOf(rows)).completed(queue, dispatcher, agent);
}
