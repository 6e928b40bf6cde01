import type { Line } from '../../../store/entry.ts';
import type { StreamRequest } from '../../protocol/frames.ts';
import type { Sight } from '../../views/sight.ts';
import { questionOf } from '../../views/views.ts';
import type { Viewer as Person } from '../access.ts';
import type { Answers } from '../answers.ts';
import { answerOrProblem, noSuchRoute, problemOf } from '../problems.ts';
import { Pace } from './pace.ts';
import { Topic } from './topic.ts';
import { type Goodbye, StreamViewer } from './viewer.ts';

/** Time, as streams need it. */
export interface StreamClock {
  /** Milliseconds on a clock that nothing sets. */
  now(): number;
  /** Milliseconds for which this process has used a processor. */
  cpu(): number;
  /** Calls a function later; returns what prevents it. */
  after(ms: number, run: () => void): () => void;
}

/** What a hub works with. */
export interface HubPorts {
  readonly answers: Answers;
  readonly sight: Pick<Sight, 'reader' | 'source' | 'watchLiveActors'>;
  readonly clock: StreamClock;
  /** Part of every position: what another process sent is not taken for what this one did. */
  readonly epoch: string;
  /** Resolves when the store is closed for good. */
  readonly stopped?: () => Promise<void>;
}

/** How many streams there may be at once. */
export const mostStreams = 8;
/** A line that says nothing is kept open by proxies for a time only. */
const aliveMs = 15_000;
/** While something is written that concerns no topic, a page learns the newest entry. */
const seqMs = 1000;
/** Then a page asks anew, and whether it may is decided anew. */
const longestMs = 15 * 60_000;
/** Topics that are not watched any more, and whose newest answer is kept for a page that comes back. */
const mostKept = 16;

/**
 * The streams of an inspector. It follows the store while a page watches, answers each topic once for all pages, and only
 * when it can have changed, and rests after each answer so that looking costs the process little.
 */
export class Hub {
  readonly #ports: HubPorts;
  readonly #topics = new Map<string, Topic>();
  readonly #viewers = new Set<StreamViewer>();
  readonly #pace = new Pace();
  #unfollow: (() => void) | null = null;
  /** Ends the watching of live machines. */
  #unwatch: (() => void) | null = null;
  #cancel: (() => void) | null = null;
  #isAnswering = false;
  #isHearing = false;
  #seq = 0;
  /** The newest seq that was said on its own. */
  #saidSeq = 0;
  #versions = 0;

  constructor(ports: HubPorts) {
    this.#ports = ports;
  }

  /** Whether another stream may be opened. */
  get isFull(): boolean {
    return this.#viewers.size >= mostStreams;
  }

  /** Opens a stream. `door`: by which it can be ended. */
  open({ topics, since = {} }: StreamRequest, person: Person, door: object): ReadableStream<Uint8Array> {
    const viewer = new StreamViewer(person, door, {
      now: () => this.#ports.clock.now(),
      seq: () => this.#seq,
      ready: () => this.#readsAgain(viewer),
      left: () => this.#leave(viewer),
    });
    this.#viewers.add(viewer);
    this.#hearEnd();
    this.#unfollow ??= this.#ports.sight.reader.follow((lines) => this.#wrote(lines));
    this.#safely(this.#begin(viewer, topics, since));
    return viewer.body;
  }

  /** Ends all streams that came through a door; null: all there are. */
  end(why: Goodbye, door: object | null = null): void {
    for (const viewer of [...this.#viewers]) {
      if (door !== null && viewer.door !== door) continue;
      viewer.end(why);
      this.#leave(viewer);
    }
  }

  #hearEnd(): void {
    if (this.#isHearing) return;
    this.#isHearing = true;
    const end = (): void => this.end('stopped');
    void this.#ports.stopped?.().then(end, end);
  }

  async #begin(
    viewer: StreamViewer,
    topics: readonly string[],
    since: StreamRequest['since'],
  ): Promise<void> {
    const { sight } = this.#ports;
    try {
      const { seq } = await sight.reader.position();
      this.#seq = Math.max(this.#seq, seq);
    } catch {
      // The store is closed, or cannot be read now: each topic says so.
    }
    if (!this.#viewers.has(viewer)) return;
    const level = viewer.person.level as 'read';
    viewer.send({ is: 'hello', v: 1, seq: this.#seq, now: sight.reader.now(), level, source: sight.source });
    for (const text of new Set(topics)) this.#watch(viewer, text, since?.[text]);
    this.#plan();
  }

  #watch(viewer: StreamViewer, text: string, position: string | undefined): void {
    const question = questionOf(text);
    if (question === undefined) {
      viewer.send({ is: 'problem', topic: text, error: noSuchRoute });
      return;
    }
    const topic = this.#topics.get(text) ?? new Topic(text, question, this.#ports.sight.source === 'closed');
    // At the end of the order: what was watched longest ago is forgotten first.
    this.#topics.delete(text);
    this.#topics.set(text, topic);
    const { version } = topic;
    viewer.watch(topic, version?.position === position ? version : null);
    if (topic.isOfActors) this.#unwatch ??= this.#ports.sight.watchLiveActors?.(() => this.#moved()) ?? null;
    if (!topic.isOutdated) viewer.offer(topic);
  }

  #leave(viewer: StreamViewer): void {
    if (!this.#viewers.delete(viewer)) return;
    const watched = new Set([...this.#viewers].flatMap((each) => [...each.topics]));
    const idle = [...this.#topics.values()].filter((topic) => !watched.has(topic));
    for (const topic of idle) topic.outdate();
    if (![...watched].some((topic) => topic.isOfActors)) {
      this.#unwatch?.();
      this.#unwatch = null;
    }
    for (const { text } of idle.slice(0, Math.max(0, idle.length - mostKept))) this.#topics.delete(text);
    if (this.#viewers.size > 0) return;
    this.#unfollow?.();
    this.#unfollow = null;
    this.#cancel?.();
    this.#cancel = null;
  }

  #wrote(lines: readonly Line[]): void {
    let count = 0;
    for (const { s, entries } of lines) {
      count += entries.length;
      this.#seq = Math.max(this.#seq, s + entries.length - 1);
      for (const topic of this.#topics.values()) topic.wrote(entries);
    }
    this.#pace.wrote(count, this.#ports.clock.now());
    this.#plan();
  }

  /** A live machine changed, which is no entry. */
  #moved(): void {
    for (const topic of this.#topics.values()) if (topic.isOfActors) topic.touch();
    this.#plan();
  }

  #readsAgain(viewer: StreamViewer): void {
    for (const topic of viewer.topics) if (!topic.isOutdated) viewer.offer(topic);
    this.#plan();
  }

  /** One timer for all: the next answer, or the next sign of life. */
  #plan(): void {
    this.#cancel?.();
    this.#cancel = null;
    if (this.#isAnswering || this.#viewers.size === 0) return;
    const { clock } = this.#ports;
    const now = clock.now();
    const next = Math.min(this.#next()?.dueAt ?? Number.POSITIVE_INFINITY, this.#aliveAt());
    this.#cancel = clock.after(Math.max(0, Math.min(next - now, aliveMs)), () => {
      this.#safely(this.#run());
    });
  }

  /** An error of the inspector itself must not end the process that it shows. */
  #safely(work: Promise<void>): void {
    work.catch(() => this.end('closed'));
  }

  async #run(): Promise<void> {
    if (this.#isAnswering) return;
    this.#isAnswering = true;
    try {
      this.#care();
      for (;;) {
        const next = this.#next();
        if (next === null || next.dueAt > this.#ports.clock.now()) break;
        // A moment that is over is read in another thread, for seconds at first: nothing waits for it.
        if (next.topic.isFixed) this.#safely(this.#answer(next.topic).then(() => this.#plan()));
        else await this.#answer(next.topic);
      }
    } finally {
      this.#isAnswering = false;
      this.#plan();
    }
  }

  /** The topic that is due first, of those that a viewer waits for: each has its turn, however long the rest is. */
  #next(): { readonly topic: Topic; readonly dueAt: number } | null {
    const leastMs = this.#pace.leastMs(this.#ports.clock.now());
    const ready = [...this.#viewers].filter((viewer) => viewer.isReady);
    let first: { readonly topic: Topic; readonly dueAt: number } | null = null;
    for (const topic of new Set(ready.flatMap((viewer) => [...viewer.topics]))) {
      if (topic.isAsked) continue;
      const dueAt = topic.dueAt(leastMs);
      if (first === null || dueAt < first.dueAt) first = { topic, dueAt };
    }
    // The first answer does not wait: its page is empty.
    if (first === null || first.topic.isOutdated) return first;
    return { topic: first.topic, dueAt: Math.max(first.dueAt, this.#pace.restUntil) };
  }

  async #answer(topic: Topic): Promise<void> {
    const { clock, answers, epoch } = this.#ports;
    const [began, beganCpu] = [clock.now(), clock.cpu()];
    topic.begin();
    const found = await answerOrProblem(answers, topic.question).catch((error: Error) => ({
      problem: problemOf(error),
    }));
    const now = clock.now();
    if (!topic.isFixed) this.#pace.took(now - began, clock.cpu() - beganCpu, now);
    this.#versions += 1;
    if ('answer' in found) {
      const { answer } = found;
      topic.take(answer, null, now, `${epoch}.${answer.seq}.${this.#versions}`);
    } else topic.take(null, found.problem, now, '');
    const watching = [...this.#viewers].filter((viewer) => viewer.watches(topic));
    for (const viewer of watching) viewer.offer(topic);
    // Its pages have left meanwhile.
    if (watching.length === 0) topic.outdate();
  }

  #aliveAt(): number {
    const pause = this.#seq > this.#saidSeq ? seqMs : aliveMs;
    return Math.min(...[...this.#viewers].map(({ lastSentAt }) => lastSentAt)) + pause;
  }

  /** Those that do not read, or have read for long, go; the others get signs of life. */
  #care(): void {
    const now = this.#ports.clock.now();
    const isQuiet = now >= this.#aliveAt();
    for (const viewer of [...this.#viewers]) {
      if (viewer.isGone(now)) viewer.drop();
      else if (now - viewer.openedAt >= longestMs) viewer.end('again');
      else {
        if (isQuiet) viewer.sayAlive(this.#seq, this.#ports.sight.reader.now());
        continue;
      }
      this.#leave(viewer);
    }
    if (isQuiet) this.#saidSeq = this.#seq;
  }
}
