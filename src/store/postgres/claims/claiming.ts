import { unpaused } from '../../../model/jobs/pauses.ts';
import { limitId } from '../../../model/records/keys.ts';
import type { JobRecord } from '../../../model/records/records.ts';
import { changedSettings, placeOf } from '../../rules/claim-rules.ts';
import type { Acceptance, Change, Claimed, ClaimRequest } from '../../store.ts';
import { seqIn } from '../commits/entries.ts';
import type { Answer, PlainClaim } from '../commits/statement.ts';
import { claimedRecord, patchesOf, saysParent, withSlots, writtenRecord } from '../jobs/stored-job.ts';
import { type Head, Heads, type Known, type Look } from './heads.ts';
import { annotatedIn, heldBy, Judging, type JudgingParts, nothing } from './judging.ts';
import { templateOf } from './template.ts';

/** How often a claim looks again when all it could take is locked by others, and how long it waits. Milliseconds. */
const looks = 5;
const lookAgainMs = 5;

/** How long each job of a queue is judged by itself after one was met of which a key may have no room. Milliseconds. */
const judgedMs = 250;

/** How many lanes a statement claims from. */
const mostLanes = 8;
/** How many jobs one statement takes: their entries have room in one row of the journal. */
const mostClaimed = 1000;

/** Lanes of which one statement claims. */
interface Way {
  readonly lanes: readonly number[];
  readonly quotas: readonly string[];
  readonly changes: readonly Change[];
  /** Some of their jobs have keys. */
  readonly isKeyed: boolean;
  readonly key: string;
}

/** Takes waiting jobs. */
export class Claiming {
  readonly heads: Heads;
  readonly #parts: JudgingParts;
  readonly #judging: Judging;
  /** Queues of which each job is judged by itself, and until when. */
  readonly #judged = new Map<string, number>();

  constructor(parts: JudgingParts) {
    this.#parts = parts;
    this.#judging = new Judging(parts);
    this.heads = new Heads(parts);
  }

  /** The claim of what is known to wait; else of what a look finds. */
  async claim(request: ClaimRequest): Promise<Claimed> {
    const { transactions } = this.#parts;
    const full = new Set<string>();
    let wanted: Look = request.isPoll === true ? 'poll' : 'any';
    for (let look = 1; look <= looks; ) {
      const { known, isExact: isSeen } = await this.heads.of(request.queue, wanted);
      const accepts = unpaused(request.accepts, known.pauses, this.#parts.clock.now());
      const open = known.heads.filter((head) => isOpen(head, accepts));
      const ways = await this.#waysOf(request, open, known);
      const keyOf = ({ lane }: Head): string => ways.get(lane)?.key ?? '';
      const left = open.filter((head) => !full.has(keyOf(head)));
      const [first] = left.toSorted(byTurn);
      const others = first === undefined ? [] : left.filter((head) => keyOf(head) !== keyOf(first));
      const way = first === undefined ? undefined : ways.get(first.lane);
      // What is known may be a little old.
      if (!isSeen && (way === undefined || others.length > 0)) {
        wanted = 'exact';
        continue;
      }
      if (first === undefined) break;
      wanted = 'exact';
      // Where jobs of one lane stand between those of another, who takes all that fits has to look at each.
      if (way === undefined || others.length > 0) {
        const claimed = await this.#judging.claim(request, known.heads);
        this.heads.forget(request.queue);
        if (claimed !== null) return claimed;
      } else {
        const { claimed, isOver, isOld, isContended } = await this.#takePlainly(request, way, known, isSeen);
        if (claimed.jobs.length > 0 || isOver) return claimed;
        if (isOld) look += 1;
        if (isOld || !isSeen) continue;
        if (!isContended) {
          full.add(way.key);
          continue;
        }
      }
      await transactions.pause(look * lookAgainMs);
      look += 1;
    }
    return this.#counted(request);
  }

  /** Nothing, and how many jobs the agent holds. */
  async #counted({ queue, agent, size }: ClaimRequest): Promise<Claimed> {
    if (agent === null || size === undefined) return nothing;
    const { transactions, committing } = this.#parts;
    // Slots that are free by what was committed before must not count.
    await committing.written();
    const held = await transactions.inOrder('a claim', (connection) =>
      heldBy(connection, this.#parts.schema, queue, agent),
    );
    return { ...nothing, held };
  }

  /** How each lane is claimed from; absent for those whose jobs have to be judged one by one. */
  async #waysOf(
    request: ClaimRequest,
    open: readonly Head[],
    { isLeveled }: Known,
  ): Promise<ReadonlyMap<number, Way>> {
    const byLane = new Map<number, string>();
    const byKey = new Map<string, Way & { readonly lanes: number[] }>();
    for (const head of open) {
      if (byLane.has(head.lane)) continue;
      const quotas = await this.#slotsOnly(request.queue, head.quotaNames);
      const changes = quotas === null ? null : templateOf(request, head, quotas);
      if (quotas === null || changes === null) continue;
      const isKeyed = head.limits.length > 0;
      // The statement takes slots of keys, or of quotas, and of one level.
      if (isKeyed && (isLeveled || quotas.length > 0 || this.#isJudged(request.queue))) continue;
      const key = JSON.stringify([quotas, changes.map(({ event, to }) => [event, to])]);
      const way = byKey.get(key) ?? { lanes: [], quotas, changes, isKeyed, key };
      way.lanes.push(head.lane);
      byKey.set(key, isKeyed ? { ...way, isKeyed } : way);
      byLane.set(head.lane, key);
    }
    return new Map(Array.from(byLane, ([lane, key]) => [lane, byKey.get(key) as Way]));
  }

  #isJudged(queue: string): boolean {
    return (this.#judged.get(queue) ?? 0) > this.#parts.port.elapsed();
  }

  /** Ids of the quotas that exist, of those with these names. Null: time has to be asked for one of them, not only its slots. */
  async #slotsOnly(queue: string, names: readonly string[]): Promise<readonly string[] | null> {
    if (names.length === 0) return [];
    const { schema, transactions } = this.#parts;
    const ids = [...new Set(names)].map((name) => limitId(queue, name));
    const rows = await transactions.inOrder('a claim', (connection) =>
      connection.query(
        `SELECT q.id, q.body ->> 'rate' IS NOT NULL OR EXISTS (SELECT FROM ${schema}.limit l WHERE l.id = q.id) AS is_timed
         FROM ${schema}.quota q WHERE q.id = ANY ($1) AND (q.body ->> 'keyed')::boolean IS NOT TRUE`,
        [ids],
      ),
    );
    if (rows.some((row) => row.is_timed === true)) return null;
    const there = new Set(rows.map(({ id }) => String(id)));
    return ids.filter((id) => there.has(id));
  }

  async #takePlainly(
    request: ClaimRequest,
    way: Way,
    known: Known,
    isSeen: boolean,
  ): Promise<{
    readonly claimed: Claimed;
    readonly isOver: boolean;
    /** What is known of the queue is not so any more. */
    readonly isOld: boolean;
    readonly isContended: boolean;
  }> {
    const { committing, sending } = this.#parts;
    const { queue, limit } = request;
    const agent = request.agent ?? '';
    const [dispatcher, name] = placeOf(queue, agent);
    const claim: PlainClaim = {
      queue,
      dispatcher,
      agent: name,
      agentSeq: request.agentSeq ?? null,
      size: request.size ?? null,
      ...lanesOf(way, known),
      marks: known.marks,
      known: known.isLeveled || known.isOwn ? [...new Set(known.heads.map(({ lane }) => lane))] : null,
      quotas: way.quotas,
      most: Math.min(limit, mostClaimed, shareOf(request, way)),
      after: known.after,
      width: Math.ceil(limit / known.perRun) + 1,
      token: sending.newToken(),
      changes: way.changes,
      isKeyed: way.isKeyed,
    };
    const { puts } = known;
    const { answer, first, ticket } = await committing.claim(request.by, claim);
    const held = (answer.held ?? 0) + (answer.ids?.length ?? 0);
    if (answer.isHeld === true) this.#judged.set(queue, this.#parts.port.elapsed() + judgedMs);
    if (answer.refusal === 'changed') {
      const refusal = changedSettings({ ...request, agentSeq: request.agentSeq ?? 0 }, -1);
      if (refusal !== null) throw refusal;
    }
    if (answer.c === undefined || (answer.ids?.length ?? 0) === 0) {
      // Without a count of what the agent holds it was not made: what it went with has put a job back.
      const wasLate = known.after >= 0 || known.afters.size > 0 || answer.held === null;
      this.heads.forget(queue);
      const isFull = request.size !== undefined && (answer.held ?? 0) >= request.size;
      const isOld = answer.refusal === 'marks' || answer.refusal === 'stale' || answer.isHeld === true;
      return {
        claimed: { ...nothing, held },
        isOver: (answer.refusal !== null && !isOld) || isFull,
        isOld,
        isContended: wasLate || (answer.isAny && way.quotas.length === 0),
      };
    }
    const ids = answer.ids ?? [];
    if (claim.levels === null) known.after = answer.last;
    else {
      for (const [index, lane] of claim.lanes.entries()) known.afters.set(lane, answer.lasts?.[index] ?? -1);
      known.leading = answer.lanes?.at(-1) ?? null;
    }
    known.perRun = Math.max(1, ids.length / Math.max(1, answer.runs ?? 1));
    // What comes short has reached the end of what was known.
    const isShort = ids.length < limit;
    // That no other lane has jobs it has seen as well where it was told which it knows.
    const sawOthers = isSeen || claim.known !== null;
    const isAll =
      isShort &&
      sawOthers &&
      ids.length < claim.most &&
      claim.lanes.length === way.lanes.length &&
      answer.isHeld !== true;
    if (isAll) this.heads.isEmpty(queue, known, puts);
    else if (isShort) this.heads.forget(queue);
    const jobs = this.#held(request, claim, answer, first);
    return {
      claimed: {
        jobs,
        held,
        ...annotatedIn(answer),
        ...(isShort && !isAll ? { mayBeMore: true } : {}),
        startable: ticket.written,
        ticket,
      },
      isOver: true,
      isOld: false,
      isContended: false,
    };
  }

  /** The records of claimed jobs; takes note of their lease. */
  #held(
    request: ClaimRequest,
    { token, changes, quotas }: PlainClaim,
    { c = 0, ids = [], lanes = [], jobs = [], slots = [] }: Answer,
    first: number,
  ): readonly JobRecord[] {
    const known = this.#parts.sending.own;
    const seqs = ids.map((_id, index) => seqIn(c, first + 2 * index));
    known.keep(token, { token, rev: 0, ids, seqs, lanes });
    const common = patchesOf(changes);
    return ids.map((id, index) => {
      const [, rev = 1, seq = 0, ...patches] = jobs[index] ?? [];
      const written = writtenRecord(id, seq, patches);
      const keys = slots[index] ?? [];
      const own = withSlots(changes, keys);
      // Who asked learns how each of them begins.
      request.take({ job: written, expired: false, quotas: keys.length > 0 ? keys : quotas });
      const record = claimedRecord(written, own, seqs[index] as number);
      const since = own === changes ? common : patchesOf(own);
      const home = { in: 'lease', token, lane: lanes[index] ?? 0 } as const;
      known.keepJob(id, { record, since, rev, home, patches: patches.length, isParent: saysParent(patches) });
      return record;
    });
  }
}

/**
 * How many slots of quotas an agent takes at once: half of its size. What frees slots takes them again in the same statement, so an
 * agent that had all of a quota would leave none to those of other processes.
 */
function shareOf({ size }: ClaimRequest, { quotas }: Way): number {
  return size === undefined || quotas.length === 0 ? Number.POSITIVE_INFINITY : Math.ceil(size / 2);
}

/**
 * The lanes of a way whose heads are first, and where the head of the next one stands: each lane of a statement costs. Of several
 * levels all lanes: none of them is behind another.
 */
function lanesOf(
  way: Way,
  { heads, end, afters, leading, agingMs }: Known,
): Pick<PlainClaim, 'lanes' | 'until' | 'levels'> {
  const levelOf = new Map(heads.map(({ lane, level }) => [lane, level]));
  const of = way.lanes.map((lane) => levelOf.get(lane) ?? 0);
  if (of.some((level) => level !== of[0])) {
    const lanes = way.lanes.toSorted((one, other) => Number(other === leading) - Number(one === leading));
    const levels = {
      of: lanes.map((lane) => levelOf.get(lane) ?? 0),
      afters: lanes.map((lane) => afters.get(lane) ?? -1),
      agingMs,
    };
    return { lanes, until: end, levels };
  }
  if (way.lanes.length <= mostLanes) return { lanes: way.lanes, until: end, levels: null };
  const first = heads.filter(({ lane, line }) => line === 2 && way.lanes.includes(lane)).toSorted(byTurn);
  const until = Math.min(end, first[mostLanes]?.turn ?? end);
  return { lanes: first.slice(0, mostLanes).map(({ lane }) => lane), until, levels: null };
}

function isOpen(head: Head, accepts: Acceptance): boolean {
  // A job that is too late is handed out as the system job that fails it, whatever its own lane.
  return head.hasDeadlines || accepts.lane(head.name, head.quotaNames);
}

function byTurn(one: Head, other: Head): number {
  if ((one.line === 0) !== (other.line === 0)) return one.line === 0 ? -1 : 1;
  return one.turn - other.turn;
}
