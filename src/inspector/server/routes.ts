import { type Context, Hono } from 'hono';
import { SignalboxError } from '../../index.ts';
import type { Answer } from '../protocol/answer.ts';
import type { Problem } from '../protocol/hello.ts';
import { type Question, questionOf } from '../views/views.ts';
import { checkLevel, type Level, type Refusal, type Viewer } from './access.ts';
import type { Answers, Moment } from './answers.ts';

/** What a route knows besides the request. */
interface Env {
  readonly Bindings: { readonly viewer: Viewer };
}

/** What time alone changes, such as a dispatcher that dies, is seen after that long. */
const sameForMs = 5000;

/** The routes under `api/v1/`. */
export function createRoutes(answers: Answers): Hono<Env> {
  const app = new Hono<Env>();
  app.get('*', async (context, next) => {
    const { pathname, search } = new URL(context.req.url);
    const question = questionOf(`${pathname.slice(1)}${search}`);
    return question === undefined ? next() : reading(answers, question)(context);
  });
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

function reading(answers: Answers, question: Question): Handler {
  const handler: Handler = async (context) => {
    const tag = context.req.header('if-none-match');
    if (tag !== undefined) {
      // Nothing is read for a page that has the answer already.
      const moment = await answers.moment(question);
      if (tag === tagOf(moment)) return context.body(null, 304, headersOf(moment));
    }
    const answer = await answers.answer(question);
    if (answer === undefined) return context.json(await notFound(answers, question), 404);
    return context.json(
      question.path === 'hello' ? withViewer(answer, context.env.viewer) : answer,
      200,
      headersOf(answer),
    );
  };
  return needing('read', handler);
}

async function notFound(answers: Answers, { path, id }: Question): Promise<Problem> {
  if (path === 'queues/:id')
    return problem('QUEUE_NOT_FOUND', `There is no queue '${id}'.`, 'Look at the list of all queues.');
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

function problem(code: string, text: string, repair: string, nearest?: readonly string[]): Problem {
  return { error: { code, text, repair, ...(nearest === undefined ? {} : { nearest }) } };
}
