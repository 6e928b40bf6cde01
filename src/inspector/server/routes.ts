import { type Context, Hono } from 'hono';
import { SignalboxError } from '../../index.ts';
import type { Answer } from '../protocol/answer.ts';
import type { Problem } from '../protocol/hello.ts';
import { type Question, questionOf, type ViewPath } from '../views/views.ts';
import { checkLevel, type Level, type Refusal, type Viewer } from './access.ts';
import type { Answers, Moment } from './answers.ts';
import type { PastQuestion } from './past/pasts.ts';
import { newToken } from './ports.ts';

/** What a route knows besides the request. */
interface Env {
  readonly Bindings: { readonly viewer: Viewer };
}

/** What time alone changes, such as a dispatcher that dies, is seen after that long. */
const sameForMs = 5000;
/** Live machines change without an entry. */
const sameForLiveMs = 500;

/** The routes under `api/v1/`. */
export function createRoutes(answers: Answers): Hono<Env> {
  const app = new Hono<Env>();
  // Another run of this program may be of another store, whose entries have the same numbers.
  const run = newToken().slice(0, 8);
  app.get('*', async (context, next) => {
    const { pathname, search } = new URL(context.req.url);
    const question = questionOf(`${pathname.slice(1)}${search}`);
    if (question === undefined) return next();
    const { at, path } = question;
    const handler =
      at === null || ofNow.includes(path)
        ? reading(answers, question)
        : readingPast(answers, { ...question, at }, run);
    return handler(context);
  });
  app.notFound((context) =>
    context.json(problem('NO_SUCH_ROUTE', 'There is nothing here.', 'Look at the address.'), 404),
  );
  app.onError((error, context) => {
    const known = error instanceof SignalboxError;
    const code = known ? error.code : 'INTERNAL';
    const [text = '', ...repair] = error.message.split(/(?<=\.) /);
    return context.json(problem(code, text, repair.join(' ')), statuses[code] ?? 500);
  });
  return app;
}

/** Errors that say something about the question and not about this program. */
const statuses: Readonly<Record<string, 400 | 409 | 410>> = {
  INVALID_OPTION: 400,
  PAST_UNAVAILABLE: 409,
  HISTORY_CUT: 410,
};

/** The answer to a request that was refused. */
export function refusalAnswer({ status, code, text, repair }: Refusal): Response {
  return Response.json(problem(code, text, repair), { status });
}

/** What is asked of the present alone: who this is, and what the time bar shows. */
const ofNow: readonly ViewPath[] = ['hello', 'timebar'];

type Handler = (context: Context<Env>) => Promise<Response>;

function reading(answers: Answers, question: Question): Handler {
  const handler: Handler = async (context) => {
    const tag = context.req.header('if-none-match');
    if (tag !== undefined) {
      // Nothing is read for a page that has the answer already.
      const moment = await answers.moment(question);
      if (tag === tagOf(moment, question)) return context.body(null, 304, headersOf(moment, question));
    }
    const answer = await answers.answer(question);
    if (answer === undefined) return context.json(await notFound(answers, question), 404);
    return context.json(
      question.path === 'hello' ? withViewer(answer, context.env.viewer) : answer,
      200,
      headersOf(answer, question),
    );
  };
  return needing('read', handler);
}

/** What was does not change: a page that has the answer is not answered again. */
function readingPast(answers: Answers, question: PastQuestion, run: string): Handler {
  return needing('read', async (context) => {
    const etag = `"${run}.${question.at}"`;
    if (context.req.header('if-none-match') === etag) return context.body(null, 304, { etag });
    const answer = await answers.past(question);
    if (answer === undefined) return context.json(await notFound(answers, question), 404);
    return context.body(answer.text, 200, {
      'content-type': 'application/json',
      ...headersOf(answer, question),
      etag,
    });
  });
}

async function notFound(answers: Answers, { id, path }: Question): Promise<Problem> {
  if (path === 'queues/:id')
    return problem('QUEUE_NOT_FOUND', `There is no queue '${id}'.`, 'Look at the list of all queues.');
  if (path === 'machines/:id')
    return problem('NO_SUCH_MACHINE', `There is no chart ${id}.`, 'Pick one on the page of machines.');
  const repair = 'It may have been dropped: completed jobs are kept for a time only.';
  return problem('JOB_NOT_FOUND', `There is no job ${id}.`, repair, await answers.nearest(id));
}

function needing(level: Level, handler: Handler): Handler {
  return (context) => {
    const refused = checkLevel(context.env.viewer.level, level);
    return refused === null ? handler(context) : Promise.resolve(refusalAnswer(refused));
  };
}

/** An answer is the same while nothing is written, for a few seconds: some of it changes with time alone. */
function tagOf({ seq, at }: Moment, { path }: Question): string {
  const sameFor = /^(actors|machines)/.test(path) ? sameForLiveMs : sameForMs;
  return `W/"${seq}.${Math.floor(at / sameFor)}"`;
}

/** The clock is in a header, so that a page knows it even where it has the answer. */
function headersOf(moment: Moment, question: Question): Record<string, string> {
  return {
    etag: tagOf(moment, question),
    'x-signalbox-at': String(moment.at),
    'x-signalbox-seq': String(moment.seq),
  };
}

function withViewer(hello: Answer<object>, { user, level }: Viewer): Answer<object> {
  return { ...hello, data: { ...hello.data, user, level } };
}

function problem(code: string, text: string, repair: string, nearest?: readonly string[]): Problem {
  return { error: { code, text, repair, ...(nearest === undefined ? {} : { nearest }) } };
}
