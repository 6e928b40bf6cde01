import type { Frame } from '../../protocol/frames.ts';
import type { Viewer as Person } from '../access.ts';
import { personal } from '../actions.ts';
import type { Topic, Version } from './topic.ts';

/** How many bytes wait for one viewer at most, but for the frame that goes over it. */
const mostBytes = 256 * 1024;
/** A viewer that read nothing for so long gets a `gap`. */
const patienceMs = 5000;
/** One that read nothing for so long loses its place to others. */
const goneMs = 60_000;

/** What a viewer needs of its hub. */
export interface ViewerPorts {
  /** The clock of the hub. */
  now(): number;
  /** The newest entry that is known. */
  seq(): number;
  /** It reads again. */
  ready(): void;
  /** It went away. */
  left(viewer: StreamViewer): void;
}

/** Why a stream ends. */
export type Goodbye = Extract<Frame, { is: 'bye' }>['why'];

const encoder = new TextEncoder();
const encoded = new WeakMap<Frame, Uint8Array>();

/** A frame that several viewers get is written once. */
function bytesOf(frame: Frame): Uint8Array {
  const bytes = encoded.get(frame) ?? encoder.encode(`${JSON.stringify(frame)}\n`);
  encoded.set(frame, bytes);
  return bytes;
}

/** One stream: what it has of each topic, and how fast it reads. */
export class StreamViewer {
  readonly person: Person;
  /** Which door it came through: a door that closes ends its streams. */
  readonly door: object;
  readonly openedAt: number;
  readonly body: ReadableStream<Uint8Array>;
  /** When something was last sent, or would have been if it had read. */
  lastSentAt: number;
  readonly #ports: ViewerPorts;
  readonly #has = new Map<Topic, Version | null>();
  readonly #told = new Map<Topic, string>();
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #behindSince: number | null = null;
  #isOver = false;

  constructor(person: Person, door: object, ports: ViewerPorts) {
    this.person = person;
    this.door = door;
    this.#ports = ports;
    this.openedAt = ports.now();
    this.lastSentAt = this.openedAt;
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => {
          if (this.#behindSince !== null) this.#catchUp(this.#behindSince);
        },
        cancel: () => {
          this.#isOver = true;
          ports.left(this);
        },
      },
      { highWaterMark: mostBytes, size: (chunk) => chunk?.byteLength ?? 0 },
    );
  }

  get topics(): Iterable<Topic> {
    return this.#has.keys();
  }

  watches(topic: Topic): boolean {
    return this.#has.has(topic);
  }

  /** `has`: what its page has of it already. */
  watch(topic: Topic, has: Version | null): void {
    this.#has.set(topic, has);
  }

  /** Whether it takes more now. Nothing is answered for viewers alone that do not read. */
  get isReady(): boolean {
    return (this.#controller.desiredSize ?? 0) > 0;
  }

  /** Whether it has not read for so long that it is given up. */
  isGone(now: number): boolean {
    return this.#behindSince !== null && now - this.#behindSince >= goneMs;
  }

  /** Sends what is new of a topic. One that does not read gets it when it reads again. */
  offer(topic: Topic): void {
    const { version, problem } = topic;
    const has = this.#has.get(topic) ?? null;
    const saying = problem === null ? '' : `${problem.code} ${problem.text}`;
    const isNew = problem === null && version !== has;
    if (this.#isOver || (!isNew && saying === (this.#told.get(topic) ?? ''))) return;
    if (!this.isReady) return;
    this.#told.set(topic, saying);
    if (problem !== null) this.send({ is: 'problem', topic: topic.text, error: problem });
    else if (version !== null) {
      this.#has.set(topic, version);
      this.send(this.#personal(topic, topic.frame(has, version)));
    }
  }

  send(frame: Frame): void {
    this.lastSentAt = this.#ports.now();
    this.#controller.enqueue(bytesOf(frame));
    if (!this.isReady) this.#behindSince ??= this.lastSentAt;
  }

  sayAlive(seq: number, now: number): void {
    this.lastSentAt = this.#ports.now();
    if (this.isReady) this.send({ is: 'alive', seq, now });
  }

  /** Ends it, after a last word. */
  end(why: Goodbye): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.isReady) this.send({ is: 'bye', why });
    this.#controller.close();
  }

  /** Ends it without a word: it reads none. */
  drop(): void {
    this.#isOver = true;
    this.#controller.error(new Error('This viewer does not read.'));
  }

  /** What it missed is said where it was long; else one difference leads over it. */
  #catchUp(since: number): void {
    this.#behindSince = null;
    if (this.#ports.now() - since >= patienceMs)
      for (const [topic, has] of this.#has) {
        if (has === null || (has === topic.version && !topic.isTouched)) continue;
        const to = Math.max(has.seq, this.#ports.seq());
        this.send({ is: 'gap', topic: topic.text, from: has.seq, to, why: 'slow' });
        this.#has.set(topic, null);
      }
    this.#ports.ready();
  }

  /** Who looks is part of what a page learns first. */
  #personal(topic: Topic, frame: Frame): Frame {
    if (topic.question.path !== 'hello' || frame.is !== 'snapshot') return frame;
    return { ...frame, data: personal(frame.data, this.person) };
  }
}
