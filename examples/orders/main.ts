import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request as ask, createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { page } from './page.ts';

// Serves the page, and starts the shop again whenever it ends: the page lives on while the shop is killed.
const folder = process.env.ORDERS_FOLDER ?? join('.signalbox', 'orders');
mkdirSync(folder, { recursive: true });
const originFile = join(folder, 'origin.txt');
if (!existsSync(originFile)) writeFileSync(originFile, String(Date.now()));
const environment = {
  ...process.env,
  ORDERS_FOLDER: folder,
  ORDERS_ORIGIN: readFileSync(originFile, 'utf8'),
};

let shop: ChildProcess | null = null;
let port: number | null = null;
let isStopping = false;
const news = { kills: 0, backMs: null as number | null, killedAt: 0 };

async function keepOpen(): Promise<void> {
  while (!isStopping) {
    const program = fileURLToPath(new URL('shop.js', import.meta.url));
    const child = spawn(process.execPath, [program], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: environment,
    });
    shop = child;
    child.once('message', (opened) => {
      port = opened as number;
      if (news.killedAt > 0) news.backMs = Date.now() - news.killedAt;
    });
    await once(child, 'exit');
    port = null;
  }
}

const server = createServer((request, response) => {
  // With this content type a browser asks before it sends what another site wants.
  if (request.method === 'POST' && request.headers['content-type'] !== 'application/json') {
    response.writeHead(415).end();
  } else if (request.method === 'GET' && request.url === '/') {
    response.setHeader('content-type', 'text/html; charset=utf-8').end(page);
  } else if (request.method === 'POST' && request.url === '/kill') {
    news.kills += 1;
    news.killedAt = Date.now();
    shop?.kill('SIGKILL');
    response.end('{}');
  } else if (request.method === 'GET' && request.url === '/news') {
    response
      .setHeader('content-type', 'application/json')
      .end(JSON.stringify({ ...news, isOpen: port !== null }));
  } else passOn(request, response);
});

/** What the shop is asked. While it is gone, the answer is that. */
function passOn(request: IncomingMessage, response: ServerResponse): void {
  const { method, url: path, headers } = request;
  if (port === null) {
    response.writeHead(503, { 'content-type': 'application/json' }).end('{"error":"the shop is closed"}');
    return;
  }
  const asked = ask({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 500, answer.headers);
    answer.pipe(response);
  });
  asked.on('error', () => response.headersSent || response.writeHead(503).end());
  request.pipe(asked);
}

server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  console.log(`Open http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    isStopping = true;
    shop?.kill('SIGTERM');
    server.close();
    server.closeAllConnections();
  });
await keepOpen();
