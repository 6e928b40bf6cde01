import type { AgentPlace } from '../../../../machines/job.context.ts';
import type { Kind } from '../../entry.ts';
import type { Precondition } from '../../store.ts';
import type { Lease } from '../jobs/leases.ts';
import type { Home, StoredJob } from '../jobs/stored-job.ts';
import type { Touched } from './documents.ts';
import type { Subjects } from './subjects.ts';
import type { WorkingSet } from './working-set.ts';

export type Fields = Record<string, unknown>;

/** What was judged, and by what. */
export interface BeliefsParts {
  readonly set: WorkingSet;
  readonly subjects: Subjects;
  readonly changed: ReadonlyMap<string, Touched>;
  readonly expected: readonly Precondition[];
}

/** How much later than it was judged a commit may begin jobs under a rate: by so much a window may be too short. Milliseconds. */
const soonMs = 1000;

/** A waiting job that leaves its place. */
interface Leaving {
  readonly id: string;
  readonly rev: number;
  readonly home: Extract<Home, { readonly in: 'ready' }>;
}

/** What a commit believes in, and what it takes out of its place. */
export class Beliefs {
  /** What is left in each lease that jobs leave, or in which they are changed. */
  readonly leases = new Map<number, { lease: Lease; ids: string[]; seqs: number[]; lanes: number[] }>();
  readonly #parts: BeliefsParts;
  readonly #all = new Map<string, Fields>();
  readonly #leaving: Leaving[] = [];
  /** The agents that jobs leave. */
  readonly #left: AgentPlace[] = [];

  constructor(parts: BeliefsParts) {
    this.#parts = parts;
  }

  /** All of them, in the order in which they are locked. */
  inOrder(): readonly Fields[] {
    this.#leaveLines();
    return [...this.#all].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, belief]) => belief);
  }

  /**
   * A record that is no job is as it was read. A limit may have been dropped and made anew: then it has another newest entry. A unique
   * name that `isMade` is obtained: there, where it may have to be waited for, nothing is locked yet.
   */
  ofSetting(kind: Kind, id: string, isMade: boolean): void {
    const before = this.#parts.set.setting(kind, id);
    if (kind === 'unique' && before === undefined && isMade) {
      this.#all.set(keyOf(kind, id), { is: 'name', id });
      return;
    }
    const seq = kind === 'limit' && before !== undefined ? { seq: before.lastSeq } : {};
    this.#all.set(keyOf(kind, id), { is: kind, id, rev: before?.rev ?? 0, ...seq });
  }

  /** The commit is made soon after it was judged. */
  isSoon(now: number): void {
    this.#all.set('soon', { is: 'soon', until: now + soonMs });
  }

  /** Believes that there is no such job. */
  absent(id: string): void {
    this.#all.set(`job ${id}`, { is: 'job', id, rev: 0, at: {}, leaves: false });
  }

  /** Believes that a job is where it was read, and takes it out of there when it leaves. */
  leave(before: StoredJob, leaves: boolean): void {
    const { home, record, rev } = before;
    if (home.in === 'lease') this.touch(home.token, leaves ? record.id : null);
    else if (home.in === 'ready' && leaves) this.#leaving.push({ id: record.id, rev, home });
    else this.#all.set(`job ${record.id}`, { is: 'job', id: record.id, rev, at: home, leaves });
  }

  /** Jobs that leave one line are taken out of it together. */
  #leaveLines(): void {
    const lines = new Map<string, Leaving[]>();
    for (const job of this.#leaving) {
      const line = `leave ${job.home.lane} ${job.home.line}`;
      const others = lines.get(line);
      if (others === undefined) lines.set(line, [job]);
      else others.push(job);
    }
    for (const [line, jobs] of lines) {
      jobs.sort((one, other) => one.home.turn - other.home.turn);
      this.#all.set(line, {
        is: 'leave',
        lane: jobs[0]?.home.lane,
        line: jobs[0]?.home.line,
        ids: jobs.map(({ id }) => id),
        turns: jobs.map(({ home }) => home.turn),
        revs: jobs.map(({ rev }) => rev),
      });
    }
  }

  /** Believes in a lease, and takes a job out of it. */
  touch(token: number, leaving: string | null): void {
    let left = this.leases.get(token);
    if (left === undefined) {
      const lease = this.#parts.set.lease(token) ?? { token, rev: -1, ids: [], seqs: [], lanes: [] };
      left = { lease, ids: [...lease.ids], seqs: [...lease.seqs], lanes: [...lease.lanes] };
      this.leases.set(token, left);
    }
    const at = leaving === null ? -1 : left.ids.indexOf(leaving);
    if (at < 0) return;
    this.#left.push(this.#parts.set.job(leaving as string)?.record.parent as AgentPlace);
    for (const list of [left.ids, left.seqs, left.lanes]) list.splice(at, 1);
  }

  /** Beliefs about what is not changed. Call when all that leaves has left. */
  ofExpected(): void {
    for (const expected of this.#parts.expected) {
      const { check, id } = expected;
      if (check === 'atMost') continue;
      if (check === 'noMail' || check === 'accepts') {
        this.#ofActor(check, id);
        continue;
      }
      if (check === 'holds') {
        const { queue, dispatcher } = expected;
        // The statement counts when those that leave with it are gone.
        const left = this.#left.filter((place) => place.queue === queue && place.dispatcher === dispatcher);
        const count = expected.count - left.length;
        this.#all.set(`holds ${id}`, {
          is: 'holds',
          queue,
          dispatcher,
          count,
          agents: `${queue}/${dispatcher}/`,
        });
        this.#believeIn('representation', id);
      } else if (check === 'notAwaitedBy') {
        this.#all.set(`chain ${id}`, { is: 'chain', id, on: expected.on });
        this.#believeIn('job', expected.on);
      } else this.#believeIn(check === 'rev' ? expected.kind : 'job', id);
    }
  }

  /** What is believed of an actor of which nothing is locked: the statement looks again. */
  #ofActor(check: 'noMail' | 'accepts', id: string): void {
    const { changed, set } = this.#parts;
    // Then its revision is believed in.
    if (check === 'accepts' && changed.has(`actor/${id}`)) return;
    const isIts = (message: string): boolean => {
      const record = set.setting('message', message);
      return record !== undefined && 'actor' in record && record.actor === id;
    };
    const but = [...changed.values()].filter((each) => each.kind === 'message' && isIts(each.id));
    this.#all.set(`${check} ${id}`, {
      is: check,
      id,
      ...(check === 'noMail' ? { but: but.map((message) => message.id) } : {}),
    });
  }

  /** A job that gets a callback says so in its document: who ends it looks for callbacks only then. Gives those that do not yet. */
  *ofParents(): Generator<StoredJob> {
    for (const id of this.#parts.subjects.given) {
      const job = this.#parts.set.job(id);
      if (job === undefined) continue;
      this.#believeIn('job', id);
      if (!job.isParent) yield job;
    }
  }

  #believeIn(kind: Kind, id: string): void {
    if (this.#parts.changed.has(`${kind}/${id}`)) return;
    if (kind !== 'job')
      this.#all.set(keyOf(kind, id), { is: kind, id, rev: this.#parts.set.setting(kind, id)?.rev ?? 0 });
    else {
      const job = this.#parts.set.job(id);
      if (job !== undefined) this.leave(job, false);
      else this.absent(id);
    }
  }
}

/** By which beliefs are ordered: unique names come first. */
function keyOf(kind: Kind, id: string): string {
  return `${kind === 'unique' ? ' ' : ''}${kind} ${id}`;
}
