import { type ReadonlySignal, signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import type { Answer } from '../../protocol/answer.ts';
import type { Problem } from '../../protocol/hello.ts';
import { moment } from '../app-state.ts';
import { after, isHidden, onVisible } from '../browser.ts';
import { heard, isReadingPast, missed, shownMoment, token } from '../connection.ts';
import { question } from './answers.ts';

const pauseMs = 1000;
/** After a problem: what is not there seldom comes within a second. */
const longPauseMs = 5000;

/** A question that is asked again every second, while the page can be seen; about the past it is asked once. */
export interface Live<Data> {
  /** The newest answer; null: none yet. It stays while a newer one fails, or another moment is read. */
  readonly answer: ReadonlySignal<Answer<Data> | null>;
  /** The moment that the answer is of; null: the present. */
  readonly asOf: ReadonlySignal<number | null>;
  readonly problem: ReadonlySignal<Problem['error'] | null>;
  /** Asks at once. */
  again(): void;
}

/** Keeps asking while the component is on the page: of the moment in the address, or of the present. */
export function useLive<Data>(path: string): Live<Data> {
  const live = useMemo(() => createLive<Data>(path, { isOfPage: true }), [path]);
  const { value: at } = moment;
  useEffect(() => (at === undefined ? undefined : live.start(at)), [live, at]);
  return live;
}

/** Keeps asking of the present, whatever the address says. `path` null: asks nothing. */
export function usePresent<Data>(path: string | null, everyMs = pauseMs): Live<Data> {
  const live = useMemo(() => createLive<Data>(path ?? '', { everyMs }), [path]);
  useEffect(() => (path === null ? undefined : live.start(null)), [live]);
  return live;
}

interface Ways {
  readonly everyMs?: number;
  /** Whether the page is what this answers: then its moment is that of the page. */
  readonly isOfPage?: boolean;
}

interface Startable<Data> extends Live<Data> {
  start(at: number | null): () => void;
}

function createLive<Data>(path: string, { everyMs = pauseMs, isOfPage = false }: Ways): Startable<Data> {
  const answer = signal<Answer<Data> | null>(null);
  const asOf = signal<number | null>(null);
  const problem = signal<Problem['error'] | null>(null);
  let etag: string | null = null;
  let round = async (): Promise<void> => {};

  return {
    answer,
    asOf,
    problem,
    again: () => void round(),
    start: (at) => {
      let isStopped = false;
      let isAsking = false;
      let cancel = (): void => {};
      if (at !== asOf.peek()) etag = null;
      round = async () => {
        if (isAsking || isStopped) return;
        cancel();
        isAsking = true;
        const outcome = await (at === null
          ? question<Data>(path, token, etag)
          : pastQuestion<Data>(path, at));
        isAsking = false;
        if (isStopped) return;
        if (outcome.is === 'silence') missed();
        else if (outcome.is === 'problem') {
          heard(null, null);
          problem.value = outcome.problem;
          // What is there is of another moment, and this one cannot be shown.
          if (at !== asOf.peek()) {
            answer.value = null;
            if (isOfPage) shownMoment.value = null;
          }
        } else if (outcome.is === 'same') heard(outcome.at, outcome.seq);
        else {
          if (at === null) heard(outcome.answer.at, outcome.answer.seq);
          else heard(null, null);
          if (isOfPage) shownMoment.value = at === null ? null : { seq: at, at: outcome.answer.at };
          etag = outcome.etag;
          problem.value = null;
          asOf.value = at;
          answer.value = outcome.answer;
        }
        if (at !== null && outcome.is !== 'silence') return;
        cancel = after(outcome.is === 'problem' ? longPauseMs : everyMs, () => {
          if (!isHidden()) void round();
        });
      };
      void round();
      const ends = onVisible(() => {
        if (!isHidden() && at === null) void round();
      });
      return () => {
        isStopped = true;
        cancel();
        ends();
      };
    },
  };
}

let reading = 0;

/** Asks of a moment, and says so meanwhile: the first one takes a while. */
async function pastQuestion<Data>(path: string, at: number): ReturnType<typeof question<Data>> {
  reading += 1;
  isReadingPast.value = true;
  try {
    return await question<Data>(`${path}${path.includes('?') ? '&' : '?'}at=${at}`, token, null, pastMs);
  } finally {
    reading -= 1;
    isReadingPast.value = reading > 0;
  }
}

/** The first look into the past of a large store reads all of it. */
const pastMs = 120_000;
