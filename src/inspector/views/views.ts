import { Shown } from '../../reading/shown.ts';
import type { JobListName } from '../protocol/jobs.ts';
import { actorView } from './actors/actor-view.ts';
import { actorsView } from './actors/actors-view.ts';
import { asTestView } from './as-test/as-test-view.ts';
import { durableActorView } from './durable/durable-actor-view.ts';
import { durableStatuses, durableView } from './durable/durable-view.ts';
import { helloView } from './hello-view.ts';
import { explanationView } from './job/explanation-view.ts';
import { jobHistory, jobView } from './job/job-view.ts';
import { jobsView } from './jobs/jobs-view.ts';
import { type MachinesSource, machinesView, machineView } from './machines/machines-view.ts';
import { productionView } from './machines/production-view.ts';
import type { RangeAsked } from './machines/traffic-window.ts';
import { overviewView } from './overview/overview-view.ts';
import { queuesView, queueView } from './queues/queues-view.ts';
import { schedulesView, scheduleView } from './schedules/schedules-view.ts';
import { type Asked, countOf, type Sight, type View } from './sight.ts';
import { timebarView } from './timebar/timebar-view.ts';
import { entryView } from './timeline/entry-view.ts';
import { journalView } from './timeline/journal-view.ts';
import { lanesView } from './timeline/lanes-view.ts';
import { sequenceView } from './timeline/sequence-view.ts';

const lists: readonly JobListName[] = ['waiting', 'held', 'failed', 'ended', 'unplaced', 'quarantined'];
const mostRows = 200;
const mostActors = 100;
const longestFilter = 1000;
const mostLines = 500;

/** Every question that a page can ask: its path under `api/v1/`, and what answers it. `:id` stands for one part of the path. */
export const views = {
  hello: async (sight) => helloView(sight),
  overview: (sight, { query }) =>
    overviewView(sight.reader, { explain: sight.explain, source: liveOf(sight, query).source }),
  jobs: jobsAsked,
  'jobs/:id': ({ reader, explain }, { id }) => jobView(reader, id, { explain }),
  'jobs/:id/history': ({ reader }, { id, query }) =>
    jobHistory(reader, id, countOf(query.before) ?? undefined),
  'jobs/:id/test': ({ reader }, { id }) => asTestView(reader, 'job', id),
  'explain/:id': explanationAsked,
  queues: ({ reader, names }) => queuesView(reader, names ?? null),
  'queues/:id': ({ reader, names }, { id }) => queueView(reader, id, names ?? null),
  schedules: ({ reader }, { query }) => schedulesView(reader, query.queue ?? null),
  'schedules/:id': ({ reader }, { id }) => scheduleView(reader, id),
  durable: durableAsked,
  'durable/:id': ({ reader, names, explainActor }, { id }) =>
    durableActorView(reader, id, {
      names: names ?? null,
      ...(explainActor === undefined ? {} : { explain: explainActor }),
    }),
  'durable/:id/test': ({ reader }, { id }) => asTestView(reader, 'actor', id),
  actors: (sight, { query }) =>
    actorsView(sight.reader, { ...liveOf(sight, query), open: (query.open ?? '').split(' ') }),
  'actors/:id': (sight, { id, query }) =>
    actorView(sight.reader, id, { ...liveOf(sight, query), poll: query.poll ?? null }),
  machines: (sight, { query }) => machinesView(machinesOf(sight, query), rangeOf(query)),
  'machines/:id': (sight, { id, query }) =>
    machineView(machinesOf(sight, query), id, { ...rangeOf(query), edge: query.edge ?? null }),
  coverage: (sight) => productionView(sight),
  timebar: (sight, { query }) => timebarView(sight, countOf(query.instant)),
  journal: journalAsked,
  'journal/:id': ({ reader }, { id }) => entryView(reader, countOf(id) ?? 0),
  lanes: ({ reader }, { query }) =>
    lanesView(reader, {
      from: countOf(query.from),
      to: countOf(query.to),
      length: countOf(query.n),
      text: wordsOf(query),
    }),
  'sequence/:id': ({ reader }, { id, query }) =>
    sequenceView(reader, id, { isFolded: query.fold !== '0', withNeighbours: query.neighbours !== '0' }),
} satisfies Readonly<Record<string, View>>;

/** The path of a view. */
export type ViewPath = keyof typeof views;

/** A question, read from a path. */
export interface Question extends Asked {
  readonly path: ViewPath;
  /** The entry of the moment that it is about; null: now. */
  readonly at: number | null;
}

/** Reads the path of a question, with its query. Undefined: there is no such view. */
export function questionOf(text: string): Question | undefined {
  const [path = '', search = ''] = text.split('?', 2);
  const parts = path.split('/');
  for (const view of Object.keys(views) as ViewPath[]) {
    const names = view.split('/');
    const place = names.indexOf(':id');
    if (names.length !== parts.length || names.some((name, at) => at !== place && name !== parts[at]))
      continue;
    const query = Object.fromEntries(new URLSearchParams(search));
    return { path: view, id: decoded(parts[place] ?? ''), query, at: countOf(query.at) };
  }
  return undefined;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function jobsAsked({ reader, names }: Sight, { query }: Asked): Promise<object> {
  const { queue, after } = query;
  return jobsView(reader, {
    known: names ?? null,
    list: lists.find((name) => name === query.list) ?? 'waiting',
    text: (query.text ?? '').slice(0, longestFilter),
    limit: Math.min(countOf(query.limit) ?? mostRows, mostRows),
    ...(queue === undefined ? {} : { queue }),
    ...(after === undefined ? {} : { after }),
  });
}

async function durableAsked({ reader }: Sight, { query }: Asked): Promise<object> {
  const { machine, state, after } = query;
  const status = durableStatuses.find((each) => each === query.status);
  return durableView(reader, {
    limit: Math.min(Math.max(1, countOf(query.limit) ?? mostActors), mostRows),
    ...(machine === undefined ? {} : { machine }),
    ...(status === undefined ? {} : { status }),
    ...(state === undefined ? {} : { state }),
    ...(after === undefined ? {} : { after }),
  });
}

function machinesOf(sight: Sight, query: Asked['query']): MachinesSource {
  const { source: live, notLive } = liveOf(sight, query);
  return { reader: sight.reader, pause: sight.pause, live, notLive };
}

function rangeOf({ from, to }: Asked['query']): RangeAsked {
  return { from: countOf(from), to: countOf(to) };
}

/** Live machines are of the present alone. */
function liveOf({ actors, source }: Sight, { at }: Asked['query']) {
  const isPast = countOf(at) !== null;
  return {
    source: isPast ? null : (actors ?? null),
    notLive: isPast
      ? 'The records of that moment are shown; live machines were not recorded.'
      : source === 'closed'
        ? 'The store is read without its process: its records are shown, live machines were not recorded.'
        : 'Live machines are seen in their own process.',
  };
}

async function journalAsked({ reader }: Sight, { query }: Asked): Promise<object> {
  return journalView(reader, {
    from: countOf(query.from),
    before: countOf(query.before),
    limit: Math.max(1, Math.min(countOf(query.limit) ?? mostRows, mostLines)),
    text: wordsOf(query),
  });
}

/** A filter of the journal in words; some of them can be asked by name. */
function wordsOf({ text, kind, event, id, author, queue }: Asked['query']): string {
  const named = Object.entries({ kind, event, id, by: author, queue });
  const words = named.flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [`${name}:${value}`],
  );
  return [...words, text ?? ''].join(' ').slice(0, longestFilter);
}

async function explanationAsked({ reader, explain }: Sight, { id }: Asked): Promise<object | undefined> {
  const explanation = await explain(id);
  if (explanation === undefined) return undefined;
  return explanationView(reader, await Shown.of(reader), explanation);
}
