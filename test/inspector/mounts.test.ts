import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Hono } from 'hono';
import { createSignalbox, memoryStore, type Signalbox } from 'signalbox';
import { createInspector, type Inspector } from 'signalbox/inspector';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let box: Signalbox;
let inspector: Inspector;
const ends: (() => unknown)[] = [];

beforeEach(async () => {
  box = await createSignalbox({ store: memoryStore(), jobs: [] });
  inspector = createInspector(box);
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  await box.stop();
});

describe.each(['', '/inspect', '/a/b'])("Under '%s'", (prefix) => {
  it('of node:http the page, what it loads and its data are there', async () => {
    const origin = await serve((request, response) => void inspector.node(request, response));

    expect(await opened(`${origin}${prefix}/`)).toEqual(['text/html', 'text/javascript', 'main']);
  });

  it('of a router that takes its part off the address, as Express does, they are there', async () => {
    const origin = await serve((request, response) => {
      const originalUrl = request.url ?? '';
      request.url = originalUrl.slice(prefix.length) || '/';
      void inspector.node(Object.assign(request, { originalUrl }), response);
    });

    expect(await opened(`${origin}${prefix}/`)).toEqual(['text/html', 'text/javascript', 'main']);
  });

  it('of Hono they are there', async () => {
    const app = new Hono();
    app.all(`${prefix}/*`, ({ req }) => inspector.fetch(req.raw));
    const fetch = (url: string): Promise<Response> => Promise.resolve(app.fetch(new Request(url)));

    expect(await opened(`http://localhost:3000${prefix}/`, fetch)).toEqual([
      'text/html',
      'text/javascript',
      'main',
    ]);
  });
});

it('Without a slash at its end an address leads to the one with it', async () => {
  const origin = await serve((request, response) => {
    // As Express does with the exact path of a mount.
    void inspector.node(Object.assign(request, { originalUrl: request.url, url: '/' }), response);
  });

  const answer = await fetch(`${origin}/a/b`, { redirect: 'manual' });
  const followed = await fetch(`${origin}/a/b`);

  expect([answer.status, answer.headers.get('location'), followed.url]).toEqual([
    308,
    './b/',
    `${origin}/a/b/`,
  ]);
});

/** What a browser would do: the page, its script, and the first question. */
async function opened(
  url: string,
  get: (url: string) => Promise<Response> = (each) => fetch(each),
): Promise<readonly (string | undefined)[]> {
  const page = await get(url);
  const [, script = ''] = /src="([^"]+\.js)"/.exec(await page.text()) ?? [];
  const loaded = await get(new URL(script, url).href);
  const data = await get(new URL('api/v1/hello', url).href);
  const type = ({ headers }: Response): string | undefined => headers.get('content-type')?.split(';')[0];
  return [type(page), type(loaded), ((await data.json()) as { data: { store: string } }).data.store];
}

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
