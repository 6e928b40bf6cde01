import { type ReadonlySignal, signal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { Answer } from '../../protocol/answer.ts';
import type { Problem } from '../../protocol/hello.ts';
import { moment } from '../app-state.ts';
import { isReadingPast, shownMoment, token } from '../connection.ts';
import { lastingQuestion, type Outcome } from './answers.ts';
import { askAgain, watch, watchedOf } from './stream.ts';

/** A question whose answer is kept as it is now; about the past it is asked once. */
export interface Live<Data> {
  /** The newest answer; null: none yet. It stays while a newer one fails, or another moment is read. */
  readonly answer: ReadonlySignal<Answer<Data> | null>;
  /** The moment that the answer is of; null: the present. */
  readonly asOf: ReadonlySignal<number | null>;
  readonly problem: ReadonlySignal<Problem['error'] | null>;
  /** Asks at once. */
  again(): void;
}

/** Answers while the component is on the page: of the moment in the address, or of the present. */
export function useLive<Data>(path: string): Live<Data> {
  const live = useMemo(() => createLive<Data>(path, true), [path]);
  const { value: at } = moment;
  useEffect(() => (at === undefined ? undefined : live.start(at)), [live, at]);
  return live;
}

/** Answers of the present, whatever the address says. `path` null: asks nothing. */
export function usePresent<Data>(path: string | null): Live<Data> {
  const live = useMemo(() => createLive<Data>(path ?? '', false), [path]);
  useEffect(() => (path === null ? undefined : live.start(null)), [live]);
  return live;
}

/** Asks until the server can be reached, while the component is on the page. */
export function useQuestion(): <Data>(path: string, isWanted?: () => boolean) => Promise<Outcome<Data>> {
  const isShown = useRef(true);
  useEffect(
    () => () => {
      isShown.current = false;
    },
    [],
  );
  return (path, isWanted = () => true) => lastingQuestion(path, token, () => isShown.current && isWanted());
}

/** What takes the answers to a question, or why there is none; `at`: the moment that they are of. */
interface Taker<Data> {
  take(answer: Answer<Data>, at: number | null): void;
  fail(problem: Problem['error'], at: number | null): void;
}

/** Ends what was started, or asks at once. */
interface Started {
  end(): void;
  again(): void;
}

interface Startable<Data> extends Live<Data> {
  start(at: number | null): () => void;
}

/** `isOfPage`: the page is what this answers, so its moment is that of the page. */
function createLive<Data>(path: string, isOfPage: boolean): Startable<Data> {
  const answer = signal<Answer<Data> | null>(null);
  const asOf = signal<number | null>(null);
  const problem = signal<Problem['error'] | null>(null);
  let started: Started | null = null;

  const taker: Taker<Data> = {
    take(next, at) {
      if (isOfPage) shownMoment.value = at === null ? null : { seq: at, at: next.at };
      problem.value = null;
      asOf.value = at;
      answer.value = next;
    },
    fail(why, at) {
      problem.value = why;
      if (at === asOf.peek()) return;
      // What is there is of another moment, and this one cannot be shown.
      answer.value = null;
      if (isOfPage) shownMoment.value = null;
    },
  };

  return {
    answer,
    asOf,
    problem,
    again: () => started?.again(),
    start: (at) => {
      started = at === null ? watchPresent(path, taker) : askPast(path, at, taker);
      return started.end;
    },
  };
}

/** The present comes over the line of the page. */
function watchPresent<Data>(path: string, { take, fail }: Taker<Data>): Started {
  const watched = watchedOf(path);
  const ends = [
    watch(path, watched),
    watched.answer.subscribe((next) => {
      if (next !== null) take(next as Answer<Data>, null);
    }),
    watched.problem.subscribe((why) => {
      if (why !== null) fail(why, null);
    }),
  ];
  return {
    end: () => {
      for (const end of ends) end();
    },
    again: () => askAgain(watched),
  };
}

/** What was does not change: it is asked once, and again only while the server cannot be reached. */
function askPast<Data>(path: string, at: number, { take, fail }: Taker<Data>): Started {
  let newest = 0;
  const ask = async (): Promise<void> => {
    newest += 1;
    const mine = newest;
    const outcome = await pastQuestion<Data>(path, at, () => mine === newest);
    if (mine !== newest) return;
    if (outcome.is === 'answer') take(outcome.answer, at);
    else if (outcome.is === 'problem') fail(outcome.problem, at);
  };
  void ask();
  return {
    end: () => {
      newest += 1;
    },
    again: () => void ask(),
  };
}

let reading = 0;

/** Asks of a moment, and says so meanwhile: the first one takes a while. */
async function pastQuestion<Data>(path: string, at: number, isWanted: () => boolean): Promise<Outcome<Data>> {
  reading += 1;
  isReadingPast.value = true;
  try {
    return await lastingQuestion<Data>(
      `${path}${path.includes('?') ? '&' : '?'}at=${at}`,
      token,
      isWanted,
      pastMs,
    );
  } finally {
    reading -= 1;
    isReadingPast.value = reading > 0;
  }
}

/** The first look into the past of a large store reads all of it. */
const pastMs = 120_000;
