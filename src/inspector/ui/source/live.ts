import { type ReadonlySignal, signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import type { Answer } from '../../protocol/answer.ts';
import type { Problem } from '../../protocol/hello.ts';
import { after, isHidden, onVisible } from '../browser.ts';
import { heard, missed, token } from '../connection.ts';
import { question } from './answers.ts';

const pauseMs = 1000;
/** After a problem: what is not there seldom comes within a second. */
const longPauseMs = 5000;

/** A question that is asked again every second, while the page can be seen. */
export interface Live<Data> {
  /** The newest answer; null: none yet. It stays while a newer one fails. */
  readonly answer: ReadonlySignal<Answer<Data> | null>;
  readonly problem: ReadonlySignal<Problem['error'] | null>;
  /** Asks at once. */
  again(): void;
}

/** Keeps asking while the component is on the page. */
export function useLive<Data>(path: string): Live<Data> {
  const live = useMemo(() => createLive<Data>(path), [path]);
  useEffect(() => live.start(), [live]);
  return live;
}

interface Startable<Data> extends Live<Data> {
  start(): () => void;
}

function createLive<Data>(path: string): Startable<Data> {
  const answer = signal<Answer<Data> | null>(null);
  const problem = signal<Problem['error'] | null>(null);
  let etag: string | null = null;
  let isStopped = true;
  let isAsking = false;
  let cancel = (): void => {};

  const round = async (): Promise<void> => {
    if (isAsking || isStopped) return;
    cancel();
    isAsking = true;
    const outcome = await question<Data>(path, token, etag);
    isAsking = false;
    if (isStopped) return;
    if (outcome.is === 'silence') missed();
    else if (outcome.is === 'problem') {
      heard(null, null);
      problem.value = outcome.problem;
    } else if (outcome.is === 'same') heard(outcome.at, outcome.seq);
    else {
      heard(outcome.answer.at, outcome.answer.seq);
      etag = outcome.etag;
      problem.value = null;
      answer.value = outcome.answer;
    }
    cancel = after(outcome.is === 'problem' ? longPauseMs : pauseMs, () => {
      if (!isHidden()) void round();
    });
  };

  return {
    answer,
    problem,
    again: () => void round(),
    start: () => {
      isStopped = false;
      void round();
      const ends = onVisible(() => {
        if (!isHidden()) void round();
      });
      return () => {
        isStopped = true;
        cancel();
        ends();
      };
    },
  };
}
