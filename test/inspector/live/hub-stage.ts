import { createSignalbox, defineJob, memoryStore, type Signalbox } from 'signalbox';
import { VirtualReactor } from 'signalbox/testing';
import { patched } from '../../../src/inspector/protocol/difference.ts';
import type { Frame, StreamRequest } from '../../../src/inspector/protocol/frames.ts';
import type { Answers } from '../../../src/inspector/server/answers.ts';
import { answersOf } from '../../../src/inspector/server/answers.ts';
import { Hub, type StreamClock } from '../../../src/inspector/server/live/hub.ts';
import { liveSource } from '../../../src/inspector/server/live-source.ts';
import { pastsOfStore } from '../../../src/inspector/server/past/pasts-of.ts';
import type { Sight } from '../../../src/inspector/views/sight.ts';

/** A clock that is moved by hand. */
export class HandClock implements StreamClock {
  readonly #timers = new Map<object, { readonly at: number; readonly run: () => void }>();
  #now = 0;
  #cpu = 0;

  /** How many calls are to come. */
  get timers(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const key = {};
    this.#timers.set(key, { at: this.#now + ms, run });
    return () => this.#timers.delete(key);
  }

  cpu(): number {
    return this.#cpu;
  }

  /** Time that passes without a turn: what an answer takes, and how much of it is work. */
  spend(ms: number, cpuMs = ms): void {
    this.#now += ms;
    this.#cpu += cpuMs;
  }

  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await turn();
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (due === undefined) break;
      const [key, { at, run }] = due;
      this.#timers.delete(key);
      this.#now = Math.max(this.#now, at);
      run();
      await turn();
    }
    this.#now = Math.max(this.#now, end);
  }
}

/** Lets everything run that waits for nothing but its turn. */
export async function turn(): Promise<void> {
  for (let turns = 0; turns < 3; turns += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A box, its hub, and how often each question was answered. */
export interface HubStage {
  readonly box: Signalbox;
  readonly reactor: VirtualReactor;
  readonly clock: HandClock;
  readonly hub: Hub;
  /** Paths of questions in the order in which they were answered. */
  readonly asked: string[];
  /** How many follow the store. */
  readonly followers: () => number;
  /** Answers of the past wait for it. */
  readonly gate: { opened: Promise<void> };
  /** Those that hear of changes of live machines. */
  readonly watchers: ReadonlySet<() => void>;
  /** What an answer costs on the clock of the hub, by path. */
  readonly costMs: Map<string, readonly [ms: number, cpuMs: number]>;
  /** `before`: what the page has from an earlier stream. */
  open(topics: readonly string[], before?: Stream): Stream;
}

export const send = defineJob({ name: 'mail.send', run: (to: string) => `sent to ${to}` });

export async function hubStage(): Promise<HubStage> {
  const reactor = new VirtualReactor();
  const box = await createSignalbox({ store: memoryStore(), reactor, jobs: [send], queues: ['mail'] });
  reactor.attach(box);
  const clock = new HandClock();
  const asked: string[] = [];
  const costMs = new Map<string, readonly [number, number]>();
  const { reader, followers } = counted(box.store);
  const explain = (id: string) => box.explain(id);
  const watchers = new Set<() => void>();
  const gate = { opened: Promise.resolve() };
  const sight: Sight = {
    ...{
      reader,
      place: 'memory',
      source: 'live',
      explain,
      pause: turn,
      noPast: null,
      actors: liveSource(box),
    },
    watchLiveActors: (listener) => {
      watchers.add(listener);
      return () => watchers.delete(listener);
    },
  };
  const plain = answersOf(sight, pastsOfStore(box.store, { place: 'memory', source: 'live' }).pasts);
  const answers: Answers = {
    ...plain,
    answer: async (question) => {
      asked.push(question.path);
      clock.spend(...(costMs.get(question.path) ?? ([0, 0] as const)));
      return plain.answer(question);
    },
    past: async (question) => {
      asked.push(`past ${question.path}`);
      await gate.opened;
      return plain.past(question);
    },
  };
  const hub = new Hub({ answers, sight, clock, epoch: 'e1', stopped: () => box.stopped() });
  const person = { user: 'mira', level: 'read' } as const;
  return {
    ...{ box, reactor, clock, hub, asked, costMs, followers, watchers, gate },
    open: (topics, before) => {
      const request: StreamRequest = { topics, ...(before && { since: before.positions }) };
      return new Stream(hub.open(request, person, person), before);
    },
  };
}

function counted(store: Signalbox['store']): { reader: Sight['reader']; followers: () => number } {
  let count = 0;
  const reader = new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (name !== 'follow') return typeof value === 'function' ? value.bind(target) : value;
      return (listener: Parameters<typeof store.follow>[0]) => {
        const end = store.follow(listener);
        count += 1;
        return () => {
          count -= 1;
          end();
        };
      };
    },
  });
  return { reader, followers: () => count };
}

/** A page at the other end of a stream: what it was sent, and what it has. */
export class Stream {
  readonly frames: Frame[] = [];
  readonly data: Map<string, unknown>;
  readonly positions: Record<string, string>;
  isEnded = false;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #rest = '';

  constructor(body: ReadableStream<Uint8Array>, before?: Stream) {
    this.data = new Map(before?.data);
    this.positions = { ...before?.positions };
    this.#reader = body.getReader();
  }

  /** Reads on and on. */
  async flow(): Promise<void> {
    while (!this.isEnded) await this.read();
  }

  /** Reads one piece. */
  async read(): Promise<void> {
    const { done, value } = await this.#reader.read().catch(() => ({ done: true, value: undefined }));
    if (done) this.isEnded = true;
    this.#rest += new TextDecoder().decode(value);
    const lines = this.#rest.split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#take(JSON.parse(line) as Frame);
  }

  /** What it was sent of a topic, by kind. */
  kinds(topic: string): string[] {
    return this.frames.flatMap((frame) => ('topic' in frame && frame.topic === topic ? [frame.is] : []));
  }

  async close(): Promise<void> {
    await this.#reader.cancel();
    await turn();
  }

  #take(frame: Frame): void {
    this.frames.push(frame);
    if (frame.is === 'snapshot') this.data.set(frame.topic, frame.data);
    if (frame.is === 'delta') this.data.set(frame.topic, patched(this.data.get(frame.topic), frame.patch));
    if ('position' in frame) this.positions[frame.topic] = frame.position;
  }
}
