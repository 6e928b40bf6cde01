import { type Context, Hono } from 'hono';
import type { Answer } from '../protocol/answer.ts';
import { type Question, questionOf } from '../views/views.ts';
import { checkLevel, type Level, type Refusal, type Viewer } from './access.ts';
import { type Acting, act, actionRequestOf, levelOf, personal } from './actions.ts';
import { type Answers, isOfPast, type Moment } from './answers.ts';
import { type Hub, mostStreams } from './live/hub.ts';
import { streamRequestOf } from './live/stream-request.ts';
import type { PastQuestion } from './past/pasts.ts';
import { newToken } from './ports.ts';
import { answerOrProblem, noSuchRoute, notFound, problem, problemOf } from './problems.ts';

/** What a route knows besides the request. */
interface Env {
  readonly Bindings: { readonly viewer: Viewer };
}

/** What time alone changes, such as a dispatcher that dies, is seen after that long. */
const sameForMs = 5000;
/** Live machines change without an entry. */
const sameForLiveMs = 500;

/** The routes under `api/v1/`. `door`: whose streams they open. `acting` null: nothing can be done here. */
export function createRoutes(answers: Answers, hub: Hub, door: object, acting: Acting | null): Hono<Env> {
  const app = new Hono<Env>();
  // Another run of this program may be of another store, whose entries have the same numbers.
  const run = newToken().slice(0, 8);
  app.get('*', async (context, next) => {
    const { pathname, search } = new URL(context.req.url);
    const question = questionOf(`${pathname.slice(1)}${search}`);
    if (question === undefined) return next();
    const handler = isOfPast(question) ? readingPast(answers, question, run) : reading(answers, question);
    return handler(context);
  });
  app.post('/stream', needing('read', streaming(hub, door)));
  app.post('/actions', needing('read', answering(acting)));
  app.notFound((context) => context.json({ error: noSuchRoute }, 404));
  app.onError((thrown, context) => {
    const error = problemOf(thrown);
    return context.json({ error }, statuses[error.code] ?? 500);
  });
  return app;
}

/** Errors that say something about the question and not about this program. */
const statuses: Readonly<Record<string, 400 | 404 | 409 | 410>> = {
  INVALID_OPTION: 400,
  INVALID_NAME: 400,
  JOB_NOT_FOUND: 404,
  QUEUE_NOT_FOUND: 404,
  AGENT_NOT_FOUND: 404,
  ACTOR_NOT_FOUND: 404,
  BOX_STOPPED: 409,
  PAST_UNAVAILABLE: 409,
  HISTORY_CUT: 410,
};

/** The answer to a request that was refused. */
export function refusalAnswer({ status, code, text, repair }: Refusal): Response {
  return Response.json({ error: problem(code, text, repair) }, { status });
}

type Handler = (context: Context<Env>) => Promise<Response>;

function reading(answers: Answers, question: Question): Handler {
  const handler: Handler = async (context) => {
    const tag = context.req.header('if-none-match');
    if (tag !== undefined) {
      // Nothing is read for a page that has the answer already.
      const moment = await answers.moment(question);
      if (tag === tagOf(moment, question)) return context.body(null, 304, headersOf(moment, question));
    }
    const found = await answerOrProblem(answers, question);
    if ('problem' in found) return context.json({ error: found.problem }, 404);
    const { answer } = found;
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
    if (answer === undefined) return context.json({ error: await notFound(answers, question) }, 404);
    return context.body(answer.text, 200, {
      'content-type': 'application/json',
      ...headersOf(answer, question),
      etag,
    });
  });
}

const streamHeaders = {
  'content-type': 'application/x-ndjson; charset=utf-8',
  // What packs or collects answers on their way lets this one through as it comes.
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
};

function streaming(hub: Hub, door: object): Handler {
  return async (context) => {
    const request = streamRequestOf(await context.req.text());
    if (request === null) return context.json({ error: noTopics }, 400);
    if (hub.isFull) return context.json({ error: tooMany }, 503);
    return new Response(hub.open(request, context.env.viewer, door), { headers: streamHeaders });
  };
}

function answering(acting: Acting | null): Handler {
  return async (context) => {
    const request = actionRequestOf(await context.req.text());
    if (request === null) return context.json({ error: noAction }, 400);
    const refused = checkLevel(context.env.viewer.level, levelOf(request));
    if (refused !== null) return refusalAnswer(refused);
    if (acting === null) return context.json({ error: onlyRead }, 409);
    return context.json({ data: await act(acting, context.env.viewer.user, request) });
  };
}

const noAction = problem(
  'ACTION_EXPECTED',
  'Expected a body such as {"key":"k1","action":"cancel","target":"ID"}.',
  'The page sends it; docs/inspector.md says what it holds.',
);

const onlyRead = problem(
  'READ_ONLY',
  'This store is read without its process: nothing can be changed here.',
  'Open the inspector of the process, or use signalbox cancel, pause and resume.',
);

const noTopics = problem(
  'TOPICS_EXPECTED',
  'Expected a body such as {"topics":["overview"]}.',
  'A server that reads bodies before it hands requests on has to hand over the body, too: see docs/inspector.md.',
);

const tooMany = problem(
  'STREAMS_FULL',
  `This inspector has ${mostStreams} pages open already.`,
  'Close another one: a tab that is hidden gives its place back after 30 seconds.',
);

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

function withViewer(hello: Answer<object>, viewer: Viewer): Answer<object> {
  return { ...hello, data: personal(hello.data, viewer) };
}
