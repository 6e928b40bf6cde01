import { latestStart } from '../../../model/jobs/deadline.ts';
import { limitId } from '../../../model/records/keys.ts';
import { mayClaim, placeOf, representationOf, roomOf, type Taken, take } from '../../rules/claim-rules.ts';
import type { Change, Claimed, ClaimRequest, Commit } from '../../store.ts';
import { type Committing, ticketOf } from '../commits/committing.ts';
import type { Sending } from '../commits/sending.ts';
import type { Answer } from '../commits/statement.ts';
import { WorkingSet } from '../commits/working-set.ts';
import { storeError } from '../failures.ts';
import type { Home, StoredJob } from '../jobs/stored-job.ts';
import { eachJob, jobsOf } from '../reading/records.ts';
import { plansByIndex } from '../sql/settings.ts';
import type { Rows, SqlConnection } from '../sql-port.ts';
import { nameOf } from '../transactions.ts';
import type { Head, HeadsParts } from './heads.ts';
import { Limits, limitsOfJobs, NotedParking } from './limits.ts';

/** What claims are made with. */
export interface JudgingParts extends HeadsParts {
  readonly epoch: number;
  readonly committing: Committing;
  readonly sending: Sending;
}

/** How many jobs of each line are looked at at first where each has to be judged. */
const pageOfChoices = 1000;
/** And where some may have to be parked: a claim parks a thousand. */
const pageOfKeys = 1100;

/**
 * All is read at one moment. The reads have names, and their plans are kept: these settings, as those of the functions, keep a plan that
 * was made when a table was small from reading all of it when it is large.
 */
const momentText = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ${plansByIndex('SET LOCAL', ';')}`;

export const nothing: Claimed = {
  jobs: [],
  startable: Promise.resolve(),
  ticket: ticketOf(Promise.resolve()),
};

/** What a claim would take, by what was read. */
interface Judged {
  readonly taken: Pick<Taken, 'changes' | 'ids' | 'mayBeMore'>;
  readonly held: number;
  readonly set: WorkingSet;
  readonly limits: Limits;
  readonly parking: NotedParking;
  /** Where the jobs stand that were looked at. */
  readonly rows: Rows;
  /** It has looked at limits that time opens. */
  readonly opensLater: boolean;
}

/** Judges waiting jobs one by one, by the rules of all stores: those that have to be told apart. */
export class Judging {
  readonly #parts: JudgingParts;

  constructor(parts: JudgingParts) {
    this.#parts = parts;
  }

  /** Takes what the rules allow. Null: others were faster. */
  async claim(request: ClaimRequest, heads: readonly Head[]): Promise<Claimed | null> {
    const { committing, sending, port } = this.#parts;
    // What frees its slots was committed before it, and must be there before they are counted.
    await committing.written();
    let connection: SqlConnection | null = null;
    try {
      connection = await port.connect();
      const judged = await this.#judgedBy(connection, request, heads);
      giveBack(connection);
      connection = null;
      if (judged === null) return nothing;
      if (judged.limits.isBehind(this.#parts.clock.now())) return null;
      const { taken, held, set } = judged;
      const isNone = taken.ids.length === 0;
      const commit = commitOf(request, taken.changes, set);
      const sent = isNone ? null : await sending.sendJudged(request.by, commit, set);
      if (sent === null && !isNone) return null;
      const isMore = await this.#park(judged);
      const follows = {
        ...(isMore || taken.mayBeMore ? { mayBeMore: true as const } : {}),
        ...(judged.opensLater ? { opensLater: true as const } : {}),
      };
      if (sent === null) return { ...nothing, held, ...follows };
      const { draft, answer, c, ticket } = sent;
      const jobs = taken.ids.flatMap((id) => draft.committed(id, c) ?? []);
      const startable = ticket.written;
      return { jobs, held: held + jobs.length, startable, ticket, ...annotatedIn(answer), ...follows };
    } catch (error) {
      connection?.release(error as Error);
      throw storeError(error, 'a claim', 'not committed');
    }
  }

  /** At one moment: where a job is offered again and a slot is free for it, both are seen, or neither. */
  async #judgedBy(
    connection: SqlConnection,
    request: ClaimRequest,
    heads: readonly Head[],
  ): Promise<Judged | null> {
    // What begins it leaves with the first reads: each wait costs more than a read.
    const [, judged] = await Promise.all([
      connection.query(momentText),
      this.#judgeOn(connection, request, heads),
    ]);
    return judged;
  }

  async #judgeOn(
    connection: SqlConnection,
    request: ClaimRequest,
    heads: readonly Head[],
  ): Promise<Judged | null> {
    const { clock, schema } = this.#parts;
    const { queue } = request;
    const set = new WorkingSet();
    const limits = new Limits(schema, set);
    const queues = `SELECT id, rev, last_seq, body FROM ${schema}.queue WHERE id = $1`;
    const quotas = heads.flatMap(({ quotaNames }) => quotaNames.map((name) => limitId(queue, name)));
    const lanes = [...new Set(heads.map(({ lane }) => lane))];
    const parks = isKeyed(heads);
    const isChoosy = request.choose !== null || request.accepts.job !== null;
    const firstOf = (most: number): Promise<Rows> =>
      connection.named(nameOf(schema, 'judge_first'), firstText(schema), [lanes, most]);
    let page = isChoosy ? pageOfChoices : Math.max(request.limit, 10);
    const [held, queueRows, , firstRows] = await Promise.all([
      this.#loadAgent(connection, request, set),
      connection.named(nameOf(schema, 'judge_queue'), queues, [queue]),
      limits.load(connection, quotas),
      firstOf(page),
    ]);
    set.loadSettings('queue', queueRows);
    if (!mayClaim(set.tables, request, clock.now()) || !this.#isOurs(request, set)) return null;
    const limit = roomOf(request, held);
    const parking = new NotedParking(set, limits, clock.now());
    const about = { held, set, limits, parking };
    const none = { changes: [], ids: [], mayBeMore: false };
    if (limit <= 0) return { ...about, taken: none, rows: [], opensLater: false };
    for (let rows = firstRows; ; rows = await firstOf(page)) {
      const jobs = jobsOf(rows);
      set.load(jobs);
      if (parks)
        await limits.load(
          connection,
          limitsOfJobs(
            queue,
            jobs.map(({ record }) => record),
          ),
        );
      const taken = take(set.tables, { ...request, limit }, clock.now(), limits.slots, parking);
      const isShort = taken.ids.length < limit && !taken.mayBeMore && isFull(rows, page);
      if (!isShort) return { ...about, taken, rows, opensLater: limits.areTimed };
      page = parks && page < pageOfKeys ? pageOfKeys : page * 8;
    }
  }

  /** Parks what has found no room. Returns whether some has stayed: it may have room by now. */
  async #park({ parking, limits, rows, set }: Judged): Promise<boolean> {
    const { under, passed } = parking;
    if (under.size === 0) return false;
    const { schema, transactions, clock } = this.#parts;
    const ids = [...new Set(under.values())].sort();
    const numbers = new Map(ids.map((id, index) => [id, index + 1]));
    const openings = ids.map((id) => limits.opening(id, clock.now()));
    const jobs = rows
      .map(({ id }) => set.job(String(id)) as StoredJob)
      .filter(({ record }) => under.has(record.id));
    const places = jobs.map(({ home }) => home as Extract<Home, { readonly in: 'ready' }>);
    const values = [
      ids,
      openings.map(({ at }) => at),
      openings.map(({ quotaRev }) => quotaRev),
      openings.map(({ rev }) => rev),
      jobs.map(({ record }) => record.id),
      places.map(({ lane }) => lane),
      places.map(({ line }) => line),
      places.map(({ turn }) => turn),
      jobs.map(({ record }) => numbers.get(under.get(record.id) ?? '')),
      jobs.map(({ record }) => latestStart(record)),
      [...passed],
    ];
    const numbered = values.map((_, index) => `$${index + 1}`).join();
    const [row] = await transactions.inOrder('a claim', (connection) =>
      connection.query(`SELECT ${schema}.park(${numbered}) AS parked`, values),
    );
    return Number(row?.parked) < under.size;
  }

  /** Reads the agent and its dispatcher. Gives how many jobs it holds. */
  async #loadAgent(
    connection: SqlConnection,
    { queue, agent }: ClaimRequest,
    set: WorkingSet,
  ): Promise<number> {
    if (agent === null) return 0;
    const { schema } = this.#parts;
    const [agents, representations, held] = await Promise.all([
      connection.named(
        nameOf(schema, 'judge_agent'),
        `SELECT id, rev, last_seq, body FROM ${schema}.agent WHERE id = $1`,
        [agent],
      ),
      connection.named(
        nameOf(schema, 'judge_dispatcher'),
        `SELECT id, rev, last_seq, body FROM ${schema}.representation WHERE id = $1`,
        [representationOf(agent)],
      ),
      heldBy(connection, schema, queue, agent),
    ]);
    set.loadSettings('agent', agents);
    set.loadSettings('representation', representations);
    return held;
  }

  /** A dispatcher that was activated in another opening gets nothing here. */
  #isOurs({ agent }: ClaimRequest, set: WorkingSet): boolean {
    if (agent === null) return true;
    const representation = set.tables.get('representation', representationOf(agent));
    return representation === undefined || representation.epoch === this.#parts.epoch;
  }
}

function isKeyed(heads: readonly Head[]): boolean {
  return heads.some(({ limits }) => limits.length > 0);
}

/** Which of the jobs that a commit takes have annotations, where its answer says so. */
export function annotatedIn({ annotated }: Answer): Pick<Claimed, 'annotated'> {
  return annotated === undefined ? {} : { annotated: new Set(annotated) };
}

/** Gives a connection back once what was read on it at one moment is over. Nobody waits for that. */
function giveBack(connection: SqlConnection): void {
  connection.query('COMMIT').then(
    () => connection.release(),
    (error: Error) => connection.release(error),
  );
}

/** How many jobs an agent holds. */
export async function heldBy(
  connection: SqlConnection,
  schema: string,
  queue: string,
  agent: string,
): Promise<number> {
  const rows = await connection.named(
    nameOf(schema, 'judge_held'),
    `SELECT coalesce(sum(cardinality(ids)), 0) AS held FROM ${schema}.lease
     WHERE queue = $1 AND dispatcher = $2 AND agent = $3`,
    [queue, ...placeOf(queue, agent)],
  );
  return Number(rows[0]?.held ?? 0);
}

/** The first jobs of each line, and where they stand. */
function firstText(schema: string): string {
  return `SELECT j.id, j.rev, j.seq, l.lane, j.doc, 'ready' AS place, k.line, coalesce(j.turn, j.seq * 2) AS turn
    FROM unnest($1::integer[]) AS l (lane) CROSS JOIN (VALUES (0), (2)) AS k (line)
    CROSS JOIN LATERAL (
      SELECT u.id FROM (
        SELECT o.turn, o.ids FROM ${schema}.ready o WHERE o.lane = l.lane AND o.line = k.line ORDER BY o.turn LIMIT $2
      ) AS t CROSS JOIN LATERAL unnest(t.ids) AS u (id) LIMIT $2
    ) AS r ${eachJob(schema, 'r.id')}`;
}

function isFull(rows: Rows, page: number): boolean {
  const counts = new Map<string, number>();
  for (const { lane, line } of rows) counts.set(`${lane} ${line}`, (counts.get(`${lane} ${line}`) ?? 0) + 1);
  return [...counts.values()].some((count) => count >= page);
}

/** Believes in the agent and its dispatcher: neither is gone meanwhile, or was changed. */
function commitOf({ by, agent }: ClaimRequest, changes: readonly Change[], set: WorkingSet): Commit {
  const believed =
    agent === null
      ? []
      : ([
          ['agent', agent],
          ['representation', representationOf(agent)],
        ] as const);
  const expect = believed.map(
    ([kind, id]) => ({ check: 'rev', kind, id, rev: set.setting(kind, id)?.rev ?? 0 }) as const,
  );
  return { by, changes, expect };
}
