import type { Answer } from '../../protocol/answer.ts';
import type { JobView } from '../../protocol/job.ts';
import { type Way, wayTo } from '../chart/way.ts';

/** What the page of a job shows: its data, and the way to the moment. */
export interface JobAtMoment {
  readonly view: JobView;
  readonly way: Way;
}

/** What was answered about a job. */
export interface JobAnswers {
  /** The newest answer, and the moment that it is of; null: of the present. */
  readonly answer: Answer<JobView> | null;
  readonly asOf: number | null;
  /** The job as it is now, asked beside its moment: its whole history. */
  readonly whole: JobView | null;
  /** The moment in the address. */
  readonly at: number | null;
  readonly now: number;
}

/**
 * The job at the moment of the address. Where the store has shown it as it was then, all is of then, and its later entries beside
 * it. Until that is read, and where there is none, the way alone is of then, from the history.
 */
export function atMoment({ answer, asOf, whole, at, now }: JobAnswers): JobAtMoment | null {
  if (answer === null || asOf === null) {
    const view = answer?.data ?? whole;
    return view === null ? null : { view, way: wayTo(view, at, now) };
  }
  const then = answer.data;
  const isKnown = whole?.history.lines.some(({ seq }) => seq <= asOf) === true;
  const view = isKnown ? { ...then, history: whole.history, taken: whole.taken } : then;
  const { state, ending, states, next } = then;
  const way = wayTo(view, isKnown ? asOf : null, answer.at);
  return { view, way: { ...way, isPast: true, isWhole: true, at: answer.at, state, ending, states, next } };
}
