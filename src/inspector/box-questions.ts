import type { Signalbox } from '../index.ts';
import { SignalboxError } from '../index.ts';
import type { Answer } from './protocol/answer.ts';
import type { Questions } from './server/questions.ts';

/** What the store and the process of a Signalbox answer. */
export function boxQuestions(box: Signalbox): Questions {
  const answer = async <Data>(data: Data): Promise<Answer<Data>> => {
    const record = await box.store.get('store', 'store');
    return { seq: record?.lastSeq ?? 0, at: box.store.now(), data };
  };
  return {
    hello: () =>
      answer({
        v: 1 as const,
        store: box.store.name,
        place: box.store.directory ?? (box.store.isVolatile ? 'memory' : 'PostgreSQL'),
        source: 'live' as const,
        keptFrom: box.store.oldestSeq(),
        pages: ['overview', 'jobs'] as const,
      }),
    job: notYet,
    history: notYet,
    jobs: notYet,
    overview: notYet,
    explain: async (id) => {
      try {
        return await answer(await box.explain(id));
      } catch (error) {
        if (error instanceof SignalboxError && error.code === 'JOB_NOT_FOUND') return undefined;
        throw error;
      }
    },
    nearest: async () => [],
  };
}

async function notYet(): Promise<never> {
  throw new Error('not yet');
}
