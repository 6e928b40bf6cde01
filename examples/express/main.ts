import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express, { type ErrorRequestHandler } from 'express';
import { createSignalbox, handleSignals, type Job, SignalboxError } from 'signalbox';
import { createInspector } from 'signalbox/inspector';
import { jsonStore } from 'signalbox/json';
import { report, stepAnnotation } from './jobs.ts';

const box = await createSignalbox({ store: jsonStore('.signalbox/express'), jobs: [report] });
const dispatcher = await box.start();

const app = express();

// Pages that show every job. They read their requests themselves, so they come before what reads bodies. In production
// they want to know who may look: see docs/inspector.md.
app.use('/inspect', createInspector(box).node);
app.use(express.json({ limit: '10kb' }));

// Answers when the job is on disk: after that, no crash loses it. A client that got no answer may send the same
// request again: with the same key it puts no second job.
app.post('/reports', async (request, response) => {
  const { title, steps } = request.body ?? {};
  if (typeof title !== 'string' || !(Number.isInteger(steps) && steps >= 1 && steps <= 1000)) {
    response
      .status(400)
      .json({ error: 'Expected {"title": a text, "steps": a whole number from 1 to 1000}.' });
    return;
  }
  const id = request.get('idempotency-key');
  const job = await box.queue().put(report(title, steps), id === undefined ? {} : { id });
  response
    .status(202)
    .location(`/reports/${job.id}`)
    .json(await statusOf(job));
});

app.get('/reports/:id', async (request, response) => {
  response.json(await statusOf(box.job<string>(request.params.id)));
});

app.get('/health', async (_request, response) => {
  const { status } = dispatcher.getStatusInfo();
  response.status(status === 'RUNNING' ? 200 : 503).json({ status, waiting: await box.queue().length() });
});

const answerOf: Readonly<Record<string, number>> = {
  INVALID_OPTION: 400,
  JOB_NOT_FOUND: 404,
  BOX_STOPPED: 503,
  QUEUE_FULL: 503,
  STORE_FULL: 503,
};

// Express recognises an error handler by its four parameters.
const answerError: ErrorRequestHandler = (error, _request, response, _next) => {
  const status = error instanceof SignalboxError ? answerOf[error.code] : error.status;
  if (status === undefined) console.error(error);
  response.status(status ?? 500).json({ error: status === undefined ? 'See the log.' : error.message });
};
app.use(answerError);

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
await once(server, 'listening');

// A signal stops both: no new connection is accepted, and running jobs have three seconds to end. A job that takes
// longer runs again at the next start.
handleSignals(box, { grace: '3s' });
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => server.close());

console.log(`Listening on http://127.0.0.1:${(server.address() as AddressInfo).port}, pid ${process.pid}`);

/** Asks the store. @throws SignalboxError `JOB_NOT_FOUND`. */
async function statusOf(job: Job<string>) {
  const { id, args, status, ending, annotations, outcome } = await job.refresh();
  const progress = { done: annotations[stepAnnotation] ?? 0, of: args[1] };
  return { id, status, ending, progress, outcome };
}
