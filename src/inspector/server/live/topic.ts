import type { Entry } from '../../../store/entry.ts';
import type { Answer } from '../../protocol/answer.ts';
import { difference } from '../../protocol/difference.ts';
import type { Frame } from '../../protocol/frames.ts';
import type { Problem } from '../../protocol/hello.ts';
import type { Question, ViewPath } from '../../views/views.ts';
import { isOfPast } from '../answers.ts';
import { isOfJob, type Shows, showsOf, type Touch, touchOf } from './touches.ts';

/** One answer to the question of a topic. */
export interface Version extends Answer<object> {
  /** `<epoch>.<seq>.<number>`. */
  readonly position: string;
}

/** The least time from one answer to the next, by what concerned the question meanwhile. */
const ownMs = 100;
const besideMs = 500;
/** Of questions whose answers seldom matter so soon: a job that others may hold up, and the whole history. */
const seldomMs: Readonly<Partial<Record<ViewPath, number>>> = {
  'jobs/:id': 1000,
  'jobs/:id/history': 1000,
  'explain/:id': 1000,
  hello: 5000,
  timebar: 5000,
};

/** What time alone changes, such as a dispatcher that dies, is seen after that long. */
const timeMs = 5000;

const nothing: Shows = { ids: new Set(), isOver: false };

/** A question that is answered again and again while it is watched: once for all who watch it. */
export class Topic {
  readonly text: string;
  readonly question: Question;
  /** The longest time from one answer to the next. */
  readonly #againMs: number;
  /** The newest answer; null: there was none yet. */
  version: Version | null = null;
  /** Whether it is being answered. */
  isAsked = false;
  /** Why there is no newer one. */
  problem: Problem['error'] | null = null;
  shows: Shows = nothing;
  /** When it was answered last, on the clock of the hub. */
  #answeredAt = Number.NEGATIVE_INFINITY;
  #touch: Touch = 'no';
  #made: { readonly from: Version | null; readonly to: Version; readonly frame: Frame } | null = null;

  /** `isStill`: time alone changes nothing, since the store is not at work. */
  constructor(text: string, question: Question, isStill: boolean) {
    this.text = text;
    this.question = question;
    this.#againMs = isStill ? Number.POSITIVE_INFINITY : timeMs;
  }

  /** Whether it is of a moment that is over: its answer never changes. */
  get isFixed(): boolean {
    return isOfPast(this.question);
  }

  /** Whether something was written since it was answered that may have changed it. */
  get isTouched(): boolean {
    return this.#touch !== 'no' && !this.isFixed;
  }

  /** Whether it is about live machines, which change without an entry. */
  get isOfActors(): boolean {
    return this.question.path.startsWith('actors') && !this.isFixed;
  }

  /** A live machine changed. */
  touch(): void {
    this.#touch = 'own';
  }

  /** Learns what was written. */
  wrote(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (this.#touch === 'own' || (this.#touch === 'beside' && !isOfJob(this.question))) return;
      const touch = touchOf(this.question, this.shows, entry);
      if (touch !== 'no') this.#touch = touch === 'own' ? touch : 'beside';
    }
  }

  /** What was kept of it is old: nothing was followed meanwhile. */
  outdate(): void {
    this.#answeredAt = Number.NEGATIVE_INFINITY;
    this.#made = null;
  }

  get isOutdated(): boolean {
    return this.#answeredAt === Number.NEGATIVE_INFINITY;
  }

  /** When it is to be answered again. `leastMs`: not sooner after the last time. */
  dueAt(leastMs: number): number {
    if (this.isOutdated) return this.#answeredAt;
    if (this.isFixed && this.problem === null) return Number.POSITIVE_INFINITY;
    if (!this.isTouched) return this.#answeredAt + (this.problem === null ? this.#againMs : timeMs);
    const pace = this.#touch === 'own' ? ownMs : (seldomMs[this.question.path] ?? besideMs);
    return this.#answeredAt + Math.max(leastMs, pace);
  }

  /** What is written from now on counts for the answer after this one. */
  begin(): void {
    this.isAsked = true;
    this.#touch = 'no';
  }

  /** Takes an answer, or why there is none. An equal answer becomes a new version only to say that it still holds. */
  take(answer: Answer<object> | null, problem: Problem['error'] | null, now: number, position: string): void {
    this.isAsked = false;
    this.#answeredAt = now;
    this.problem = problem;
    if (answer === null) return;
    const isEqual = this.version !== null && difference(this.version.data, answer.data) === null;
    if (isEqual && answer.at - (this.version?.at ?? 0) < timeMs) return;
    this.version = { ...answer, position };
    if (!isEqual) this.shows = showsOf(this.question, answer.data);
  }

  /** What leads a viewer from what it has to the newest answer. `from` null: it has nothing. */
  frame(from: Version | null, to: Version): Frame {
    if (this.#made?.from === from && this.#made.to === to) return this.#made.frame;
    const { position, seq, at, data } = to;
    const frame: Frame =
      from === null
        ? { is: 'snapshot', topic: this.text, position, seq, at, data }
        : {
            is: 'delta',
            topic: this.text,
            position,
            seq: [from.seq, Math.max(from.seq, seq)],
            at,
            patch: difference(from.data, data),
          };
    this.#made = { from, to, frame };
    return frame;
  }
}
