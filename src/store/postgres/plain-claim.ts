import { isDeepStrictEqual } from 'node:util';
import type { Json } from '../../../machines/json.ts';
import { jobChart } from '../../model/jobs/machine-version.ts';
import { newJobRecord } from '../../model/jobs/step.ts';
import type { JobRecord, RepresentationRecord } from '../../model/records/records.ts';
import type { Entry, Line } from '../entry.ts';
import { isLive, placeOf, representationOf } from '../rules/claim-rules.ts';
import type { Candidate, Change, ClaimRequest } from '../store.ts';
import { partsOfLane } from './job-rows.ts';
import { jobsOfLine } from './plain-functions.ts';
import type { Rows, SqlConnection } from './sql-port.ts';
import type { Told } from './told.ts';

/** Where and when a claim is made. */
export interface PlainClaimParts {
  readonly schema: string;
  readonly epoch: number;
  readonly machineVersion: string;
  readonly at: number;
}

/** The result of a fast claim; null: the claim needs the general path after all, and nothing of it may be committed. */
export interface ClaimedPlainly {
  readonly told: Told;
  readonly jobs: readonly JobRecord[];
  /** Ids of those that have annotations. */
  readonly annotated: ReadonlySet<string>;
  readonly xid: string | null;
  /** Everything that could be taken is in other claims' hands at this moment. */
  readonly isContended: boolean;
  /** How many jobs the agent holds with them. */
  readonly held: number;
}

/** How taking a job changes it, as its chart has said of one like those that are claimed. */
interface Template {
  readonly claim: Change;
  readonly start: Change;
  readonly parent: { readonly queue: string; readonly dispatcher: string; readonly agent: string };
  readonly epoch: number;
  readonly startedAt: number;
}

/** The answer of the database to a claim. */
interface Verdict {
  readonly isPlain: boolean;
  /** Lanes that were not in the question. */
  readonly others: readonly string[];
  /** There is something to take, maybe locked by another transaction at this moment. */
  readonly isAny: boolean;
  /** How many jobs the agent held before. Null when that was not asked. */
  readonly held: number | null;
  /** The data of the dispatcher. */
  readonly representation: RepresentationRecord | null;
  readonly xid: string | null;
}

/** How many claims of a queue take the general path after so many that could not take the fast one. */
const mostSkipped = 64;

const mostKnownLanes = 1000;

/** Two of each job. */
const entriesOfLine = 2 * jobsOfLine;

/**
 * Claims by one statement: of an agent that takes what comes, from lines without quotas, deadlines and jobs that became
 * due. The chart gave what the statement writes, for a job like those; what it has written is compared, before it is
 * committed, with what the chart gives for each job.
 */
export class PlainClaims {
  /** Lanes that were met in a queue. */
  readonly #lanes = new Map<string, Set<string>>();
  readonly #misses = new Map<string, { count: number; skip: number }>();

  /** Whether a claim may take the fast path. */
  mayBePlain({ queue, agent, choose, accepts }: ClaimRequest): boolean {
    if (agent === null || choose !== null || accepts.job !== null) return false;
    const misses = this.#misses.get(queue);
    if (misses === undefined || misses.skip === 0) return true;
    misses.skip -= 1;
    return false;
  }

  async claim(
    connection: SqlConnection,
    parts: PlainClaimParts,
    request: ClaimRequest,
  ): Promise<ClaimedPlainly | null> {
    // Of one claim it is the same set all along, of any size.
    const known = this.#known(request.queue);
    for (let round = 1; ; round += 1) {
      const { plain, refused, template } = sortedLanes(known, request, parts.epoch);
      const [first, ...rows] = await connection.query(
        statement(parts.schema),
        valuesOf(parts, request, plain, refused, template),
      );
      const verdict = first?.verdict as Verdict;
      const unknown = verdict.others.filter((lane) => !known.has(lane));
      for (const lane of unknown) known.add(lane);
      // Where lanes appear as fast as they are learnt, the general way does without knowing them.
      if (unknown.length > 0 && round === 1) continue;
      const claimed = verdict.isPlain ? judged(parts, request, template, verdict, rows) : null;
      this.#remember(request.queue, claimed !== null);
      return claimed;
    }
  }

  #known(queue: string): Set<string> {
    const known = this.#lanes.get(queue);
    // Names come and go: those that are still there are soon known again.
    if (known !== undefined && known.size <= mostKnownLanes) return known;
    const none = new Set<string>();
    this.#lanes.set(queue, none);
    return none;
  }

  #remember(queue: string, wasPlain: boolean): void {
    if (wasPlain) {
      this.#misses.delete(queue);
      return;
    }
    const count = (this.#misses.get(queue)?.count ?? 0) + 1;
    this.#misses.set(queue, { count, skip: Math.min(mostSkipped, 2 ** count) });
  }
}

/** Of the lanes that are known: those that the agent takes from on the fast path, and those that it refuses. */
function sortedLanes(known: ReadonlySet<string>, request: ClaimRequest, epoch: number) {
  const { accepts } = request;
  const plain: string[] = [];
  const refused: string[] = [];
  let template: Template | null = null;
  for (const lane of known) {
    const { name, quotaNames } = partsOfLane(lane);
    if (!accepts.lane(name, quotaNames)) {
      refused.push(lane);
      continue;
    }
    const own = quotaNames.length > 0 ? null : templateOf(request, name, epoch);
    // One statement writes one thing: a definition that starts in another way goes the general one.
    if (own === null || (template !== null && !isSameStart(template, own))) continue;
    template ??= own;
    plain.push(lane);
  }
  return { plain, refused, template };
}

/** What the chart gives for a job of this definition of which nothing else is known. */
function templateOf(request: ClaimRequest, name: string, epoch: number): Template | null {
  const blank = newJobRecord('?', { name, parent: { queue: request.queue }, order: ['now', 1] });
  const job: JobRecord = { ...blank, state: 'pending' };
  return plainTaking(request.take({ job, expired: false, quotas: [] }), job, epoch);
}

/** The changes of a taking, when they are a claim and a start and no more. Asked of every job, so nothing is made for it. */
function plainTaking(changes: readonly Change[] | null, job: JobRecord, epoch: number): Template | null {
  const [claim, start] = changes ?? [];
  if (claim === undefined || start === undefined || changes?.length !== 2) return null;
  if (claim.id !== job.id || start.id !== job.id) return null;
  if (claim.from !== 'pending' || claim.to !== start.from) return null;
  const { parent, order } = claim.patch ?? {};
  const isPlain =
    holdsOnly(claim.patch, claimKeys) &&
    isFirstClaimed(order) &&
    claim.patch?.epoch === epoch &&
    claim.patch.claim === job.claim + 1 &&
    holdsOnly(start.patch, startKeys) &&
    start.patch?.attempts === job.attempts + 1;
  const activeStart = start.patch?.activeStart;
  return isPlain && typeof activeStart === 'number'
    ? { claim, start, parent: parent as unknown as Template['parent'], epoch, startedAt: activeStart }
    : null;
}

const claimKeys: ReadonlySet<string> = new Set(['parent', 'order', 'epoch', 'claim']);
const startKeys: ReadonlySet<string> = new Set(['activeStart', 'attempts']);

/** Whether a patch sets these keys and no other. */
function holdsOnly(patch: Change['patch'], keys: ReadonlySet<string>): boolean {
  let count = 0;
  for (const key in patch) {
    if (!keys.has(key)) return false;
    count += 1;
  }
  return count === keys.size;
}

/** Its place among the claimed ones is the number of the entry that says so. */
function isFirstClaimed(order: Json | undefined): boolean {
  return Array.isArray(order) && order.length === 2 && order[0] === 'claimed' && order[1] === 0;
}

function isSameStart({ claim, start, parent }: Template, other: Template): boolean {
  return (
    claim.event === other.claim.event &&
    claim.to === other.claim.to &&
    start.event === other.start.event &&
    start.to === other.start.to &&
    isDeepStrictEqual(parent, other.parent)
  );
}

/** Compares what was written with what the chart gives for each job. */
function judged(
  { at, epoch, machineVersion }: PlainClaimParts,
  request: ClaimRequest,
  template: Template | null,
  { isAny, held, representation, xid }: Verdict,
  rows: Rows,
): ClaimedPlainly | null {
  if (representation === null || !isLive(representation, at)) return null;
  const annotated = new Set<string>();
  const told = { lines: [], queues: new Set<string>() };
  const heldBefore = held ?? 0;
  if (template === null || rows.length === 0)
    return { told, jobs: [], annotated, xid: null, isContended: isAny, held: heldBefore };
  const jobs: JobRecord[] = [];
  const entries: Entry[] = [];
  for (const row of rows) {
    const job = waitingJob(row, request.queue);
    const candidate: Candidate = { job, expired: false, quotas: [] };
    const taking = job.state === 'pending' ? plainTaking(request.take(candidate), job, epoch) : null;
    if (taking === null || !isSameStart(template, taking)) return null;
    const seq = Number(row.seq);
    if (row.is_annotated === true) annotated.add(job.id);
    const start = { ...taking.start.patch, activeStart: template.startedAt };
    const { kind, id } = taking.claim;
    for (const [{ event, from, to, patch }, q] of [
      [taking.claim, job.lastSeq],
      [{ ...taking.start, patch: start }, seq],
    ] as const)
      entries.push({ kind, id, event, from, to, patch, gone: false, q });
    jobs.push({
      ...job,
      ...taking.claim.patch,
      ...start,
      order: ['claimed', seq],
      state: String(taking.start.to),
      rev: job.rev + 2,
      lastSeq: seq + 1,
    } as JobRecord);
  }
  const first = Number(rows[0]?.seq);
  const lines: Line[] = [];
  for (let index = 0; index < entries.length; index += entriesOfLine) {
    const part = entries.slice(index, index + entriesOfLine);
    lines.push({ s: first + index, at, by: `${request.by}#${epoch}`, mv: machineVersion, entries: part });
  }
  return {
    told: { ...told, lines },
    jobs,
    annotated,
    xid,
    isContended: false,
    held: heldBefore + jobs.length,
  };
}

/** A job that waits, from the columns that can differ from job to job. */
function waitingJob(row: Rows[number], queue: string): JobRecord {
  return {
    ...newJobRecord(String(row.id), {
      name: String(row.name),
      args: row.args as JobRecord['args'],
      beginAfter: row.begin_after as number | null,
      failureLogLevel: row.failure_log_level as string | null,
      retryPolicy: row.retry_policy as string | null,
      retryData: row.retry_data as JobRecord['retryData'],
      parent: { queue },
      order: [row.line as 'now' | 'putBack', Number(row.place)],
      assigner: row.assigner as string | null,
      epoch: Number(row.epoch),
      claim: Number(row.claim),
      attempts: Number(row.attempts),
      lastFailure: row.last_failure as JobRecord['lastFailure'],
    }),
    v: row.v as JobRecord['v'],
    rev: Number(row.rev),
    lastSeq: Number(row.last_seq),
    createdSeq: Number(row.created_seq),
    state: String(row.state),
    priority: Number(row.priority),
    dueAt: row.due_at as number | null,
    uniqueKey: row.unique_key as string | null,
  } as JobRecord;
}

function valuesOf(
  { at, epoch, machineVersion }: PlainClaimParts,
  { queue, limit, size, agent, agentSeq, by }: ClaimRequest,
  plain: readonly string[],
  refused: readonly string[],
  template: Template | null,
): unknown[] {
  const id = agent ?? '';
  const room = [limit, size ?? null, jobChart.states];
  const asked = [queue, representationOf(id), id, agentSeq ?? null, epoch, plain, refused, at, ...room];
  // Without a lane to take from nothing is taken, whatever the other parameters say.
  if (template === null) return [...asked, ...placeOf(queue, id), 0, '', '', '', '', ''];
  const { parent, claim, start, startedAt } = template;
  const text = ({ event, from, to }: Change): string => JSON.stringify({ event, from, to }).slice(1, -1);
  return [
    ...asked,
    parent.dispatcher,
    parent.agent,
    startedAt,
    start.to,
    `${by}#${epoch}`,
    machineVersion,
    `,${text(claim)},"patch":${JSON.stringify({ parent, order: ['claimed', 0], epoch }).slice(0, -1)},"claim":`,
    `,${text(start)},"patch":${JSON.stringify({ activeStart: startedAt }).slice(0, -1)},"attempts":`,
  ];
}

const parameters = Array.from({ length: 19 }, (_, index) => `$${index + 1}`).join(', ');

function statement(schema: string): string {
  return `SELECT * FROM ${schema}.claim_jobs(${parameters})`;
}
