import { type Signal, signal } from '@preact/signals';
import type { Answer } from '../../protocol/answer.ts';
import { patched } from '../../protocol/difference.ts';
import type { Frame } from '../../protocol/frames.ts';
import type { Problem } from '../../protocol/hello.ts';
import { after, isHidden, onVisible, openStream } from '../browser.ts';
import { clockIs, heard, line, token } from '../connection.ts';
import { parsed, problemOf } from './answers.ts';
import { type LineEvent, lineTable, pauseMs } from './line.ts';

/** A question that is watched, and what is known of its answer. */
export interface Watched {
  readonly answer: Signal<Answer<unknown> | null>;
  readonly problem: Signal<Problem['error'] | null>;
  /** What the answer continues from; null: it has to come whole. */
  position: string | null;
  /** How many parts of the page watch it. */
  watchers: number;
}

/** Without a sign of life for so long the line is asked for anew. */
const silentMs = 20_000;
const hiddenMs = 30_000;

const all = new Map<string, Watched>();
let end = (): void => {};
let endPause = (): void => {};
let endSilence = (): void => {};
let endChange = (): void => {};
let endHiding = (): void => {};
let failures = 0;

/** What is known of a topic. It is watched from `watch` on. */
export function watchedOf(topic: string): Watched {
  const known = all.get(topic);
  if (known !== undefined) return known;
  const watched: Watched = { answer: signal(null), problem: signal(null), position: null, watchers: 0 };
  all.set(topic, watched);
  return watched;
}

/** Watches a topic, with all others over one line. Returns what ends it. */
export function watch(topic: string, watched: Watched): () => void {
  all.set(topic, watched);
  watched.watchers += 1;
  if (watched.watchers === 1) changed();
  return () => {
    watched.watchers -= 1;
    if (watched.watchers > 0) return;
    if (all.get(topic) === watched) all.delete(topic);
    changed();
  };
}

/** Asks for the whole answer at once. */
export function askAgain(watched: Watched): void {
  watched.position = null;
  changed();
}

/** A page that replaces another one changes several topics: they are asked for together. */
function changed(): void {
  endChange();
  endChange = after(0, () => send(topics().length === 0 ? 'unwanted' : 'wanted'));
}

function topics(): readonly string[] {
  return [...all].filter(([, { watchers }]) => watchers > 0).map(([topic]) => topic);
}

function send(event: LineEvent): void {
  const [to, effect] = lineTable[line.value][event];
  line.value = to;
  if (effect === 'open') open();
  else if (effect === 'close') close();
  else if (effect === 'wait') {
    failures += 1;
    endPause();
    endPause = after(pauseMs(failures), () => send('elapsed'));
  }
}

function close(): void {
  end();
  endPause();
  endSilence();
}

function open(): void {
  close();
  const watched = topics();
  const since = Object.fromEntries(
    watched.flatMap((topic) => {
      const position = all.get(topic)?.position ?? null;
      return position === null ? [] : [[topic, position]];
    }),
  );
  listen();
  let isOver = false;
  let isToComeAgain = false;
  const abort = openStream({ topics: watched, since }, token, {
    line: (text) => {
      if (isOver) return;
      const frame = parsed(text) as Frame | null;
      if (frame?.is === 'bye') isToComeAgain = frame.why === 'again';
      else if (frame !== null) take(frame);
    },
    end: (reply) => {
      if (isOver) return;
      if (reply !== null) refused(problemOf(reply));
      send(isToComeAgain ? 'wanted' : 'ended');
    },
  });
  end = () => {
    isOver = true;
    abort();
  };
}

/** The line was not opened. What comes when it is takes the place of that message. */
function refused(problem: Problem['error']): void {
  for (const watched of all.values()) {
    watched.problem.value = problem;
    watched.position = null;
  }
}

/** Begins to wait for the next sign of life. */
function listen(): void {
  endSilence();
  endSilence = after(silentMs, () => {
    listen();
    send('silent');
  });
}

function take(frame: Exclude<Frame, { is: 'bye' }>): void {
  failures = 0;
  listen();
  if (line.value !== 'live') send('heard');
  if (frame.is === 'hello' || frame.is === 'alive') clockIs(frame.now, frame.seq);
  else takeOf(frame, all.get(frame.topic));
}

function takeOf(frame: Extract<Frame, { topic: string }>, watched: Watched | undefined): void {
  if (watched === undefined) return;
  if (frame.is === 'gap') watched.position = null;
  else if (frame.is === 'problem') watched.problem.value = frame.error;
  else {
    const { at, position } = frame;
    const before = watched.answer.value;
    if (frame.is === 'delta' && (before === null || watched.position === null)) {
      askAgain(watched);
      return;
    }
    const seq = frame.is === 'delta' ? frame.seq[1] : frame.seq;
    const data = frame.is === 'delta' ? patched(before?.data, frame.patch) : frame.data;
    heard(at, seq);
    watched.position = position;
    watched.problem.value = null;
    watched.answer.value = { seq, at, data };
  }
}

onVisible(() => {
  endHiding();
  if (isHidden()) endHiding = after(hiddenMs, () => send('hid'));
  else send('shown');
});
