import type { Explanation } from '../reading/explanation.ts';
import { Shown } from '../reading/shown.ts';
import type { StoreReader } from '../store/reader.ts';
import type { Answer } from './protocol/answer.ts';
import type { Hello } from './protocol/hello.ts';
import type { Moment, Questions } from './server/questions.ts';
import { explanationView } from './views/explanation-view.ts';
import { jobHistory, jobView } from './views/job-view.ts';
import { jobsView } from './views/jobs-view.ts';
import { overviewView } from './views/overview-view.ts';

/** What beside the reader is known of a store. */
export interface Beside {
  readonly place: string;
  readonly source: Hello['source'];
  /** Undefined: there is no such job. */
  explain(id: string): Promise<Explanation | undefined>;
}

const mostNearest = 5;
const shortestPrefix = 3;

/** Answers what pages ask from a reader alone. */
export function questionsOf(reader: StoreReader, beside: Beside): Questions {
  const { place, source, explain } = beside;

  /** The moment is that before the reading: an answer may hold more than its seq says, and never less. */
  async function answer<Data>(read: () => Promise<Data>): Promise<Answer<Data>> {
    const { seq, at } = await moment();
    return { seq, at, data: await read() };
  }

  async function moment(): Promise<Moment> {
    const { seq } = await reader.position();
    return { seq, at: reader.now() };
  }

  async function known<Data>(read: () => Promise<Data | undefined>): Promise<Answer<Data> | undefined> {
    const { data, ...moment } = await answer(read);
    return data === undefined ? undefined : { ...moment, data };
  }

  return {
    moment,
    hello: () =>
      answer(async () => ({
        v: 1,
        store: reader.name,
        place,
        source,
        keptFrom: reader.oldestSeq(),
        pages: ['overview', 'jobs'],
      })),
    job: (id) => known(() => jobView(reader, id, { explain })),
    history: (id, before) => known(() => jobHistory(reader, id, before ?? undefined)),
    explain: (id) =>
      known(async () => {
        const explanation = await explain(id);
        if (explanation === undefined) return undefined;
        return explanationView(reader, await Shown.of(reader), explanation);
      }),
    jobs: ({ list, queue, text, after, limit }) =>
      answer(() =>
        jobsView(reader, {
          list,
          limit,
          text,
          ...(queue === null ? {} : { queue }),
          ...(after === null ? {} : { after }),
        }),
      ),
    overview: () => answer(() => overviewView(reader, { explain })),
    nearest: async (id) => {
      if (id.length < shortestPrefix) return [];
      const found = await reader.list('job', id.slice(0, shortestPrefix));
      return found.slice(0, mostNearest).map((job) => job.id);
    },
  };
}
