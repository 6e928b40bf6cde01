import type { Answer } from '../protocol/answer.ts';
import type { Sight } from '../views/sight.ts';
import { type Question, type ViewPath, views } from '../views/views.ts';
import type { PastAnswer, PastQuestion, Pasts } from './past/pasts.ts';

/** Seq of the newest synced entry, and the clock of the store. */
export type Moment = Omit<Answer<never>, 'data'>;

/** What is asked of the present alone: who this is, and what the time bar shows. */
const ofNow: readonly ViewPath[] = ['hello', 'timebar'];

/** Whether a question is about a moment that is over. */
export function isOfPast(question: Question): question is PastQuestion {
  return question.at !== null && !ofNow.includes(question.path);
}

/** What pages ask of a store. */
export interface Answers {
  /** The moment that an answer to a question would be of. */
  moment(question: Question): Promise<Moment>;
  /** Undefined: there is no such subject. */
  answer(question: Question): Promise<Answer<object> | undefined>;
  /** Answers a question about an earlier moment. Undefined: there was no such subject. */
  past(question: PastQuestion): Promise<PastAnswer | undefined>;
  /** Ids of jobs that begin alike. */
  nearest(id: string): Promise<readonly string[]>;
}

const mostNearest = 5;
const shortestPrefix = 3;

/** Answers from one sight: what is now from its reader, and what was from its pasts. */
export function answersOf(sight: Sight, pasts: Pasts): Answers {
  const { reader } = sight;

  async function moment(): Promise<Moment> {
    const { seq } = await reader.position();
    return { seq, at: reader.now() };
  }

  return {
    moment,
    answer: async (question) => {
      // The moment before the reading: an answer may hold more than its seq says, and never less.
      const { seq, at } = await moment();
      const data = await views[question.path](sight, question);
      return data === undefined ? undefined : { seq, at, data };
    },
    past: (question) => pasts.answer(question),
    nearest: async (id) => {
      if (id.length < shortestPrefix) return [];
      const found = await reader.find(id.slice(0, shortestPrefix), mostNearest);
      return found.map((job) => job.id);
    },
  };
}
