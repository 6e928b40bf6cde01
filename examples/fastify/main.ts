import fastify from 'fastify';
import { createSignalbox, type Job, SignalboxError } from 'signalbox';
import { createInspector } from 'signalbox/inspector';
import { jsonStore } from 'signalbox/json';
import { report, stepAnnotation } from './jobs.ts';

const app = fastify({ logger: { level: process.env.LOG_LEVEL ?? 'warn' }, bodyLimit: 10_000 });

// The logger of Fastify takes the log of Signalbox as it is.
const store = jsonStore('.signalbox/fastify');
const box = await createSignalbox({ store, jobs: [report], logger: app.log });
const dispatcher = await box.start();

// Pages that show every job. They answer before Fastify reads a body. In production they want to know who may look: see
// docs/inspector.md.
const inspector = createInspector(box);
app.addHook('onRequest', async (request, reply) => {
  if (!/^\/inspect(?:[/?]|$)/.test(request.url)) return;
  reply.hijack();
  await inspector.node(request.raw, reply.raw);
});

interface Put {
  readonly Body: { readonly title: string; readonly steps: number };
  readonly Headers: { readonly 'idempotency-key'?: string };
}

const putSchema = {
  body: {
    type: 'object',
    required: ['title', 'steps'],
    properties: { title: { type: 'string' }, steps: { type: 'integer', minimum: 1, maximum: 1000 } },
  },
};

// Answers when the job is on disk: after that, no crash loses it. A client that got no answer may send the same
// request again: with the same key it puts no second job.
app.post<Put>('/reports', { schema: putSchema }, async (request, reply) => {
  const { title, steps } = request.body;
  const id = request.headers['idempotency-key'];
  const job = await box.queue().put(report(title, steps), id === undefined ? {} : { id });
  return reply
    .code(202)
    .header('location', `/reports/${job.id}`)
    .send(await statusOf(job));
});

app.get<{ readonly Params: { readonly id: string } }>('/reports/:id', ({ params }) =>
  statusOf(box.job<string>(params.id)),
);

app.get('/health', async (_request, reply) => {
  const { status } = dispatcher.getStatusInfo();
  return reply.code(status === 'RUNNING' ? 200 : 503).send({ status, waiting: await box.queue().length() });
});

const answerOf: Readonly<Record<string, number>> = {
  INVALID_OPTION: 400,
  JOB_NOT_FOUND: 404,
  BOX_STOPPED: 503,
  QUEUE_FULL: 503,
  STORE_FULL: 503,
};

app.setErrorHandler<SignalboxError | (Error & { readonly statusCode?: number })>((error, request, reply) => {
  const status = error instanceof SignalboxError ? answerOf[error.code] : error.statusCode;
  if (status === undefined) request.log.error(error);
  return reply.code(status ?? 500).send({ error: status === undefined ? 'See the log.' : error.message });
});

// Fastify calls this before it waits for its connections, of which a page of the inspector keeps one until the box has
// stopped. Running jobs have three seconds to end. A job that takes longer runs again at the next start.
app.addHook('preClose', () => box.stop({ grace: '3s' }));
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void app.close().then(() => process.exit()));

const address = await app.listen({ port: Number(process.env.PORT ?? 3000), host: '127.0.0.1' });
console.log(`Listening on ${address}, pid ${process.pid}`);

/** Asks the store. @throws SignalboxError `JOB_NOT_FOUND`. */
async function statusOf(job: Job<string>) {
  const { id, args, status, ending, annotations, outcome } = await job.refresh();
  const progress = { done: annotations[stepAnnotation] ?? 0, of: args[1] };
  return { id, status, ending, progress, outcome };
}
