import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSignalbox, SignalboxError } from 'signalbox';
import { createInspector } from 'signalbox/inspector';
import { runs } from './child.ts';
import { report } from './jobs.ts';
import { jobOverview, overviewOf } from './overview.ts';
import { page } from './page.ts';
import { sharedStore } from './store.ts';

// This box is never started: it puts and reads jobs, and runs none of them.
const box = await createSignalbox({ store: sharedStore(), jobs: [report], queues: [''] });

const inspector = process.argv.includes('--inspect') ? createInspector(box) : null;

class BadRequest extends Error {}

const longestBody = 10_000;

const server = createServer((request, response) => {
  void answer(request, response).catch((error: unknown) => {
    const isTheirs = error instanceof BadRequest || error instanceof SignalboxError;
    if (!isTheirs) console.error(error);
    send(response, isTheirs ? 400 : 500, { error: isTheirs ? error.message : 'see the log' });
  });
});
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  runs(box, `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  const asked = `${request.method} ${pathname}`;
  const id = /^GET \/jobs\/([\w-]+)$/.exec(asked)?.[1];
  if (inspector !== null && /^\/inspect(\/|$)/.test(pathname)) await inspector.node(request, response);
  else if (asked === 'GET /') response.setHeader('content-type', 'text/html; charset=utf-8').end(page);
  else if (asked === 'GET /overview') send(response, 200, await overviewOf(box));
  else if (asked === 'POST /jobs') await putReport(request, response);
  else if (id !== undefined) send(response, 200, await jobOverview(box.job(id)));
  else send(response, 404, { error: 'Expected GET /, GET /overview, POST /jobs or GET /jobs/ID.' });
}

/** Answers when the job is committed: after that, the death of a host cannot lose it. */
async function putReport(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { title, steps } = await bodyOf(request);
  if (typeof title !== 'string' || !(Number.isInteger(steps) && Number(steps) >= 1 && Number(steps) <= 1000))
    throw new BadRequest('Expected {"title": a text, "steps": a whole number from 1 to 1000}.');
  const job = await box.queue().put(report(title, Number(steps)));
  send(response, 201, await jobOverview(job));
}

async function bodyOf(request: IncomingMessage): Promise<{ title?: unknown; steps?: unknown }> {
  // With this content type a browser asks the server before it sends a request from another site.
  if (request.headers['content-type'] !== 'application/json')
    throw new BadRequest('Expected the content type application/json.');
  let text = '';
  for await (const part of request.setEncoding('utf8')) {
    text += part;
    if (text.length > longestBody) throw new BadRequest(`Expected at most ${longestBody} characters.`);
  }
  try {
    return JSON.parse(text) ?? {};
  } catch {
    throw new BadRequest('Expected JSON.');
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
}
