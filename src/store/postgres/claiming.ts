import { jobChart } from '../../model/jobs/machine-version.ts';
import type { JobRecord, RepresentationRecord } from '../../model/records/records.ts';
import { systemNames } from '../../model/records/system-names.ts';
import {
  changedSettings,
  isLive,
  placeOf,
  representationOf,
  roomOf,
  type Taken,
  take,
} from '../rules/claim-rules.ts';
import type { Claimed, ClaimRequest } from '../store.ts';
import type { DatabaseClock } from './clock.ts';
import { countedColumns, partsOfLane } from './job-rows.ts';
import { toldOf } from './notifying.ts';
import { type ClaimedPlainly, PlainClaims } from './plain-claim.ts';
import type { Rows, SqlConnection } from './sql-port.ts';
import type { Told } from './told.ts';
import { type Prepared, proofOf, type Transactions } from './transactions.ts';
import { allDone, WorkingSet } from './working-set.ts';
import { Written } from './writing.ts';

/** What claims are made with. */
export interface ClaimingParts {
  readonly schema: string;
  readonly epoch: number;
  readonly machineVersion: string;
  readonly clock: DatabaseClock;
  readonly transactions: Transactions;
  /** Hears of what was committed here, before those who wait for it. */
  committed(told: Told): void;
}

/** How many jobs of each line a filter or a chooser is shown at first. */
const pageOfChoices = 1000;
/** How often a claim looks again when all it could take is in other claims' hands, and how long it waits. */
const looks = 5;
const lookAgainMs = 5;

/** Whether a claim may be made, and why it is refused. */
interface Admission {
  readonly isAllowed: boolean;
  readonly refusal: Error | null;
}

const patience = 'asks';

/** Takes waiting jobs: locked first, then judged by the rules that all stores share, then changed, in one transaction. */
export class Claiming {
  readonly #parts: ClaimingParts;
  readonly #plain = new PlainClaims();

  constructor(parts: ClaimingParts) {
    this.#parts = parts;
  }

  async claim(request: ClaimRequest): Promise<Claimed> {
    const { transactions } = this.#parts;
    for (let look = 1; ; look += 1) {
      const plain = this.#plain.mayBePlain(request) ? await this.#claimPlainly(request) : null;
      if (plain !== null) {
        const { jobs, annotated, isContended, held } = plain;
        if (jobs.length > 0) return { ...nothingClaimed, jobs, annotated, held };
        if (!isContended || look >= looks) return { ...nothingClaimed, held };
        await transactions.pause(look * lookAgainMs);
        continue;
      }
      // A job that was claimed without a word to its agent would stay with it for as long as that lives.
      const { result, numbered } = await transactions.run(
        'a claim',
        (connection) => this.#take(connection, request),
        patience,
      );
      if (result.error !== null) throw result.error;
      if (numbered !== null) {
        this.#parts.committed(toldOf(numbered));
        const jobs = result.ids.map((id) => numbered.records.get(`job/${id}`) as JobRecord);
        return { ...nothingClaimed, jobs, held: result.held + jobs.length };
      }
      if (!result.isContended || look >= looks) return { ...nothingClaimed, held: result.held };
      await transactions.pause(look * lookAgainMs);
    }
  }

  async #claimPlainly(request: ClaimRequest): Promise<ClaimedPlainly | null> {
    const { clock, transactions, committed } = this.#parts;
    const { result } = await transactions.run(
      'a claim',
      async (connection) => {
        const claimed = await this.#plain.claim(connection, { ...this.#parts, at: clock.now() }, request);
        return {
          result: claimed,
          written: null,
          proof: claimed === null ? null : proofOf(claimed.xid, claimed.told.lines),
        };
      },
      patience,
    );
    if (result !== null && result.jobs.length > 0) committed(result.told);
    return result;
  }

  async #take(connection: SqlConnection, request: ClaimRequest): Promise<Prepared<Answer>> {
    const { clock, epoch, machineVersion } = this.#parts;
    const [mayClaim, finding] = [this.#mayClaim(connection, request), this.#lanes(connection, request)];
    await allDone([mayClaim, finding]);
    const lanes = await finding;
    const held = await this.#held(connection, request);
    const nothing = { result: { error: null, ids: [], isContended: false, held }, written: null };
    const limit = roomOf(request, held);
    const { isAllowed, refusal } = await mayClaim;
    if (refusal !== null) return { ...nothing, result: { ...nothing.result, error: refusal } };
    if (!isAllowed || limit <= 0 || (lanes.open.length === 0 && lanes.exempt.length === 0)) return nothing;
    const set = new WorkingSet();
    await this.#loadQuotas(connection, request, lanes, set);
    const { choose, accepts } = request;
    const takeLocked: ClaimRequest['take'] = (candidate) =>
      set.home('job', candidate.job.id) === 'none' ? null : request.take(candidate);
    const isChoosy = choose !== null || (accepts.job !== null && accepts.args === undefined);
    for (let page = isChoosy ? pageOfChoices : limit; ; page *= 8) {
      const loaded = await this.#loadCandidates(connection, request, lanes, set, page);
      let taken: Taken;
      try {
        taken = take(set.tables, { ...request, limit, take: takeLocked }, clock.now());
      } catch (error) {
        // A filter or a chooser broke: that is not the database's fault.
        return { ...nothing, result: { ...nothing.result, error: error as Error } };
      }
      if (taken.ids.length < limit && loaded.isPageFull) continue;
      if (taken.changes.length === 0) {
        const isContended = !loaded.isAny && (await this.#isAnyDue(connection, request, lanes));
        return { ...nothing, result: { ...nothing.result, isContended } };
      }
      const written = new Written(set);
      written.add(`${request.by}#${epoch}`, clock.now(), machineVersion, taken.changes);
      return { result: { ...nothing.result, ids: taken.ids }, written };
    }
  }

  /** How many jobs the agent holds; asked once its record is locked. */
  async #held(connection: SqlConnection, { queue, agent, size }: ClaimRequest): Promise<number> {
    if (agent === null || size === undefined) return 0;
    const [row] = await connection.query(`SELECT ${this.#parts.schema}.held_count($1, $2, $3, $4) AS count`, [
      queue,
      ...placeOf(queue, agent),
      jobChart.states,
    ]);
    return Number(row?.count ?? 0);
  }

  /**
   * Whether there is an agent to claim for, of a dispatcher that is active in this opening: one that was declared dead
   * while it was stopped gets nothing. Refused when the agent's settings were changed. Locked, so that neither changes before the
   * claim is committed.
   */
  async #mayClaim(connection: SqlConnection, request: ClaimRequest): Promise<Admission> {
    const { agent } = request;
    if (agent === null) return { isAllowed: true, refusal: null };
    const { schema, epoch } = this.#parts;
    const [representations, agents] = [
      connection.query(
        `SELECT body, (body ->> 'epoch')::bigint = $2 AS is_ours
         FROM ${schema}.representation WHERE id = $1 FOR SHARE`,
        [representationOf(agent), epoch],
      ),
      connection.query(`SELECT last_seq FROM ${schema}.agent WHERE id = $1 FOR SHARE`, [agent]),
    ];
    await allDone([representations, agents]);
    const [representation] = await representations;
    const [record] = await agents;
    if (record === undefined) return { isAllowed: false, refusal: null };
    const isAllowed =
      representation === undefined ||
      (representation.is_ours === true &&
        isLive(representation.body as RepresentationRecord, this.#parts.clock.now()));
    return { isAllowed, refusal: changedSettings(request, Number(record.last_seq)) };
  }

  /**
   * Which lanes of the queue there are, found one after the other in the index, independent of the number of
   * jobs in each.
   */
  async #lanes(connection: SqlConnection, { queue, accepts }: ClaimRequest): Promise<Lanes> {
    const job = `${this.#parts.schema}.job`;
    const rows = await connection.query(
      `WITH RECURSIVE lanes AS (
         (SELECT lane FROM ${job} WHERE queue = $1 AND lane IS NOT NULL ORDER BY lane LIMIT 1)
         UNION ALL
         SELECT (SELECT lane FROM ${job} WHERE queue = $1 AND lane > lanes.lane ORDER BY lane LIMIT 1)
         FROM lanes WHERE lanes.lane IS NOT NULL
       )
       SELECT lane FROM lanes WHERE lane IS NOT NULL`,
      [queue],
    );
    const all = rows.map((row) => String(row.lane));
    const isAccepted = (lane: string): boolean => {
      const { name, quotaNames } = partsOfLane(lane);
      return accepts.lane(name, quotaNames);
    };
    const open = all.filter(isAccepted);
    // A job that is too late is handed out as the system job that fails it, whatever its own lane.
    const exempt = accepts.lane(systemNames.fail, []) ? all : open;
    return { open, exempt, all };
  }

  /** Locks the quotas that jobs of open lanes name: until the end no other process takes a slot of them. */
  async #loadQuotas(
    connection: SqlConnection,
    { queue }: ClaimRequest,
    lanes: Lanes,
    set: WorkingSet,
  ): Promise<void> {
    const quotasOf = (lane: string): string[] =>
      partsOfLane(lane).quotaNames.map((name) => `${queue}/${name}`);
    const ids = [...new Set(lanes.open.flatMap(quotasOf))];
    if (ids.length === 0) return;
    const { schema } = this.#parts;
    const [quotas, holders] = [
      connection.query(
        `SELECT id, rev, last_seq, body FROM ${schema}.quota WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE`,
        [ids],
      ),
      // Made after the locks, so it sees what those who held them before have done.
      connection.query(
        `SELECT row_to_json(j) AS job
         FROM (SELECT ${countedColumns} FROM ${schema}.job WHERE quotas <> '{}' AND quotas && $1) AS j`,
        [ids],
      ),
    ];
    await allDone([quotas, holders]);
    set.load({ settings: { quota: await quotas } });
    set.look(await holders);
    const isFull = (id: string): boolean => {
      const quota = set.tables.get('quota', id);
      return quota !== undefined && set.tables.jobs.quotaHolders(id).size >= quota.size;
    };
    lanes.open = lanes.open.filter((lane) => !quotasOf(lane).some(isFull));
  }

  /** Locks the heads of the lines: as many as could be taken. What others have locked is passed over. */
  async #loadCandidates(
    connection: SqlConnection,
    { queue, accepts }: ClaimRequest,
    lanes: Lanes,
    set: WorkingSet,
    page: number,
  ): Promise<{ readonly isPageFull: boolean; readonly isAny: boolean }> {
    const { schema, clock } = this.#parts;
    const now = clock.now();
    const heads = (condition: string, rows: string): string =>
      `SELECT row_to_json(heads) AS job
       FROM unnest($2::text[]) AS l(lane)
       CROSS JOIN (VALUES ('putBack'), ('now'), ('held')) AS k(line)
       CROSS JOIN LATERAL (
         SELECT * FROM ${schema}.job j
         WHERE j.queue = $1 AND j.lane = l.lane AND j.line = k.line AND ${condition}
         ORDER BY j.turn, j.id LIMIT ${rows} FOR UPDATE SKIP LOCKED
       ) AS heads`;
    const closed = lanes.exempt.filter((lane) => !lanes.open.includes(lane));
    const reads: Promise<Rows>[] = [];
    if (lanes.open.length > 0) {
      reads.push(
        connection.query(heads(`(j.line <> 'held' OR j.turn <= $3) AND ${mayMatch}`, '$4'), [
          queue,
          lanes.open,
          now,
          page,
          accepts.args === undefined ? null : JSON.stringify(accepts.args),
        ]),
      );
    }
    if (closed.length > 0) {
      const isExempt = `(j.begin_by IS NOT NULL OR j.quotas <> '{}')
        AND (j.begin_after + j.begin_by < $3 OR j.quotas <> '{}') AND j.begin_after <= $3`;
      reads.push(connection.query(heads(isExempt, '$4'), [queue, closed, now, page]));
    }
    await allDone(reads);
    const rows = (await Promise.all(reads)).flat();
    set.load({ jobs: rows });
    await this.#loadReach(connection, queue, lanes, set, rows);
    const counts = new Map<string, number>();
    for (const { job } of rows) {
      const { lane, line } = job as { lane: string; line: string };
      counts.set(`${lane} ${line}`, (counts.get(`${lane} ${line}`) ?? 0) + 1);
    }
    return { isPageFull: [...counts.values()].some((count) => count >= page), isAny: rows.length > 0 };
  }

  /**
   * A held job that is due goes before an immediate one when a job with as late an instant is before that, also one
   * that this claim cannot take. There are such only after a put with an instant of the past.
   */
  async #loadReach(
    connection: SqlConnection,
    queue: string,
    lanes: Lanes,
    set: WorkingSet,
    candidates: Rows,
  ): Promise<void> {
    const left = lanes.all.filter((lane) => !lanes.open.includes(lane));
    const jobs = candidates.map((row) => row.job as { line: string; place: number; begin_after: number });
    const held = jobs.filter((job) => job.line === 'held').map((job) => job.begin_after);
    const now = jobs.filter((job) => job.line === 'now').map((job) => job.place);
    if (left.length === 0 || held.length === 0 || now.length === 0) return;
    const rows = await connection.query(
      `SELECT row_to_json(j) AS job FROM ${this.#parts.schema}.job j
       WHERE queue = $1 AND lane = ANY($2) AND line = 'now' AND turn < $3 AND begin_after >= $4
       ORDER BY turn LIMIT 100`,
      [queue, left, Math.max(...now), Math.min(...held)],
    );
    set.look(rows);
  }

  /** Whether there is something to take that another transaction has locked at this moment. */
  async #isAnyDue(connection: SqlConnection, { queue }: ClaimRequest, lanes: Lanes): Promise<boolean> {
    const rows = await connection.query(
      `SELECT 1 FROM ${this.#parts.schema}.job WHERE queue = $1 AND lane = ANY($2) AND begin_after <= $3 LIMIT 1`,
      [queue, lanes.open, this.#parts.clock.now()],
    );
    return rows.length > 0;
  }
}

interface Answer {
  /** What a filter or a chooser threw. */
  readonly error: Error | null;
  readonly ids: readonly string[];
  readonly isContended: boolean;
  /** How many jobs the agent held before. */
  readonly held: number;
}

interface Lanes {
  /** Those from which any job may be taken. */
  open: readonly string[];
  /** Those from which a job may be taken that is too late, or holds its slots already. */
  readonly exempt: readonly string[];
  readonly all: readonly string[];
}

/**
 * Leaves out what a filter of arguments refuses, and nothing else: the filter itself judges what is left. One that may be
 * too late is asked about as another job, and one that is not due ends the walk whatever its arguments.
 */
const mayMatch = `($5::jsonb IS NULL OR j.begin_by IS NOT NULL OR j.begin_after > $3 OR NOT EXISTS (
  SELECT FROM jsonb_each($5::jsonb) AS wanted
  WHERE j.args::jsonb #> string_to_array(wanted.key, '.') IS DISTINCT FROM wanted.value))`;

const nothingClaimed: Claimed = {
  jobs: [],
  startable: Promise.resolve(),
  ticket: { written: Promise.resolve(), synced: Promise.resolve() },
};
