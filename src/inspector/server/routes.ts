import { type Context, Hono } from 'hono';
import { SignalboxError } from '../../index.ts';
import type { Answer } from '../protocol/answer.ts';
import type { Problem } from '../protocol/hello.ts';
import type { JobListName } from '../protocol/jobs.ts';
import { checkLevel, type Level, type Refusal, type Viewer } from './access.ts';
import type { JobsQuestion, Moment, Questions } from './questions.ts';

/** What a route knows besides the request. */
interface Env {
  readonly Bindings: { readonly viewer: Viewer };
}

const lists: readonly JobListName[] = ['waiting', 'held', 'failed', 'ended', 'unplaced', 'quarantined'];
const mostRows = 200;
const longestFilter = 1000;
/** What time alone changes, such as a dispatcher that dies, is seen after that long. */
const sameForMs = 5000;

/** The routes under `api/v1/`. */
export function createRoutes(questions: Questions): Hono<Env> {
  const app = new Hono<Env>();
  app.get(
    '/hello',
    reading(questions, async ({ env }) => withViewer(await questions.hello(), env.viewer)),
  );
  app.get(
    '/overview',
    reading(questions, () => questions.overview()),
  );
  app.get(
    '/jobs',
    reading(questions, (context) => questions.jobs(jobsQuestion(context.req.query()))),
  );
  app.get(
    '/jobs/:id',
    ofJob(questions, (id) => questions.job(id)),
  );
  app.get(
    '/jobs/:id/history',
    ofJob(questions, (id, query) => questions.history(id, countOf(query.before))),
  );
  app.get(
    '/explain/:id',
    ofJob(questions, (id) => questions.explain(id)),
  );
  app.notFound((context) =>
    context.json(problem('NO_SUCH_ROUTE', 'There is nothing here.', 'Look at the address.'), 404),
  );
  app.onError((error, context) => {
    const known = error instanceof SignalboxError;
    const code = known ? error.code : 'INTERNAL';
    const [text = '', ...repair] = error.message.split(/(?<=\.) /);
    return context.json(problem(code, text, repair.join(' ')), code === 'INVALID_OPTION' ? 400 : 500);
  });
  return app;
}

/** The answer to a request that was refused. */
export function refusalAnswer({ status, code, text, repair }: Refusal): Response {
  return Response.json(problem(code, text, repair), { status });
}

type Handler = (context: Context<Env>) => Promise<Response>;

function reading(questions: Questions, answer: (context: Context<Env>) => Promise<Answer<unknown>>): Handler {
  return needing(
    'read',
    unlessSame(questions, async (context) => given(context, await answer(context))),
  );
}

function ofJob(
  questions: Questions,
  ask: (id: string, query: Record<string, string>) => Promise<Answer<unknown> | undefined>,
): Handler {
  const handler: Handler = async (context) => {
    const id = context.req.param('id') ?? '';
    const answer = await ask(id, context.req.query());
    if (answer !== undefined) return given(context, answer);
    const nearest = await questions.nearest(id);
    const text = `There is no job ${id}.`;
    const repair = 'It may have been dropped: completed jobs are kept for a time only.';
    return context.json(problem('JOB_NOT_FOUND', text, repair, nearest), 404);
  };
  return needing('read', unlessSame(questions, handler));
}

/** Nothing is read for a page that has the answer already. */
function unlessSame(questions: Questions, handler: Handler): Handler {
  return async (context) => {
    const tag = context.req.header('if-none-match');
    if (tag === undefined) return handler(context);
    const moment = await questions.moment();
    return tag === tagOf(moment) ? context.body(null, 304, headersOf(moment)) : handler(context);
  };
}

function needing(level: Level, handler: Handler): Handler {
  return (context) => {
    const refused = checkLevel(context.env.viewer.level, level);
    return refused === null ? handler(context) : Promise.resolve(refusalAnswer(refused));
  };
}

function given(context: Context<Env>, answer: Answer<unknown>): Response {
  return context.json(answer as object, 200, headersOf(answer));
}

/** An answer is the same while nothing is written, for a few seconds: some of it changes with time alone. */
function tagOf({ seq, at }: Moment): string {
  return `W/"${seq}.${Math.floor(at / sameForMs)}"`;
}

/** The clock is in a header, so that a page knows it even where it has the answer. */
function headersOf(moment: Moment): Record<string, string> {
  return {
    etag: tagOf(moment),
    'x-signalbox-at': String(moment.at),
    'x-signalbox-seq': String(moment.seq),
  };
}

function withViewer(hello: Answer<object>, { user, level }: Viewer): Answer<object> {
  return { ...hello, data: { ...hello.data, user, level } };
}

function jobsQuestion(query: Record<string, string>): JobsQuestion {
  const list = lists.find((name) => name === query.list) ?? 'waiting';
  return {
    list,
    queue: query.queue ?? null,
    text: (query.text ?? '').slice(0, longestFilter),
    after: query.after ?? null,
    limit: Math.min(countOf(query.limit) ?? mostRows, mostRows),
  };
}

function countOf(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function problem(code: string, text: string, repair: string, nearest?: readonly string[]): Problem {
  return { error: { code, text, repair, ...(nearest === undefined ? {} : { nearest }) } };
}
