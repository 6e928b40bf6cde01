import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { createSignalbox, memoryStore, type Signalbox } from 'signalbox';
import { createInspector, type Inspector } from 'signalbox/inspector';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Frame } from '../../src/inspector/protocol/frames.ts';

let box: Signalbox;
let inspector: Inspector;
const ends: (() => unknown)[] = [];

beforeEach(async () => {
  box = await createSignalbox({ store: memoryStore(), jobs: [] });
  inspector = createInspector(box);
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  await box.stop();
});

/** Mounts the inspector under a path of a server, and says where that is. */
const servers: Readonly<Record<string, (prefix: string) => Promise<string>>> = {
  'node:http': () => serve((request, response) => void inspector.node(request, response)),
  'Express 5': (prefix) => serve(express().use(prefix || '/', inspector.node)),
  'Express 5, behind a parser of bodies': (prefix) =>
    serve(
      express()
        .use(express.json())
        .use(prefix || '/', inspector.node),
    ),
  'Fastify 5': async (prefix) => {
    const app = fastify();
    const onRequest: Parameters<typeof app.all>[1]['onRequest'] = (request, reply) => {
      reply.hijack();
      void inspector.node(request.raw, reply.raw);
    };
    app.all(`${prefix}/*`, { onRequest }, () => {});
    if (prefix !== '') app.all(prefix, { onRequest }, () => {});
    ends.push(() => app.close());
    return app.listen({ port: 0, host: '127.0.0.1' });
  },
  Hono: (prefix) => {
    const app = new Hono();
    app.all(`${prefix}/*`, ({ req }) => inspector.fetch(req.raw));
    return serve(app);
  },
};

describe.each(Object.entries(servers))('Of %s', (_, mount) => {
  it.each(['', '/inspect', '/a/b'])(
    "the page, what it loads, its data and its stream are under '%s'",
    async (prefix) => {
      const origin = await mount(prefix);

      expect(await opened(`${origin}${prefix}/`)).toEqual([
        'text/html',
        'text/javascript',
        'text/javascript',
        'main',
      ]);
      expect(await streamed(`${origin}${prefix}/`)).toEqual(['hello', 'snapshot', 'delta']);
    },
  );

  it('an address without a slash at its end leads to the one with it', async () => {
    const origin = await mount('/a/b');

    const answer = await fetch(`${origin}/a/b`, { redirect: 'manual' });
    const followed = await fetch(`${origin}/a/b`);

    expect([answer.status, answer.headers.get('location'), followed.url]).toEqual([
      308,
      './b/',
      `${origin}/a/b/`,
    ]);
  });
});

describe('A stream of a server', () => {
  it('ends when its page goes away: then the store is not followed', async () => {
    const origin = await serve((request, response) => void inspector.node(request, response));
    const abort = new AbortController();
    const first = await open(`${origin}/`, abort.signal);
    for (let more = 0; more < 7; more += 1) await open(`${origin}/`, abort.signal);
    const refused = await open(`${origin}/`);

    abort.abort();

    expect([first.status, refused.status]).toEqual([200, 503]);
    expect((await refused.json()) as object).toMatchObject({ error: { code: 'STREAMS_FULL' } });
    await expect.poll(async () => (await open(`${origin}/`)).status).toBe(200);
  });

  it('ends with a last word when its server is closed, and when the box stops', async () => {
    const { url, close } = await inspector.listen();
    const mounted = await serve((request, response) => void inspector.node(request, response));
    const [own, other] = [await open(url), await open(`${mounted}/`)];

    await close();
    const ownFrames = framesOf(await own.text());
    await box.stop();
    const otherFrames = framesOf(await other.text());

    expect([ownFrames.at(-1), otherFrames.at(-1)]).toEqual([
      { is: 'bye', why: 'closed' },
      { is: 'bye', why: 'stopped' },
    ]);
  });

  it('whose body was read and not handed over says so', async () => {
    const origin = await serve(async (request, response) => {
      for await (const _ of request);
      await inspector.node(request, response);
    });

    const answer = await open(`${origin}/`);

    expect([answer.status, await answer.json()]).toMatchObject([400, { error: { code: 'TOPICS_EXPECTED' } }]);
  });

  it('is not packed and not collected on its way', async () => {
    const origin = await serve((request, response) => void inspector.node(request, response));

    const { headers } = await open(`${origin}/`);

    expect([headers.get('cache-control'), headers.get('x-accel-buffering')]).toEqual([
      'no-store, no-transform',
      'no',
    ]);
    expect(headers.get('content-encoding')).toBeNull();
  });
});

/** What a browser would do: the page, its script, a page that is loaded later, and the first question. */
async function opened(url: string): Promise<readonly (string | undefined)[]> {
  const page = await fetch(url);
  const [, script = ''] = /src="([^"]+\.js)"/.exec(await page.text()) ?? [];
  const loaded = await fetch(new URL(script, url));
  const [, late = 'none'] = /["'`]\.\/([\w-]+\.js)["'`]/.exec(await loaded.clone().text()) ?? [];
  const chunk = await fetch(new URL(`assets/${late}`, url));
  const data = await fetch(new URL('api/v1/hello', url));
  const type = ({ headers }: Response): string | undefined => headers.get('content-type')?.split(';')[0];
  return [
    type(page),
    type(loaded),
    type(chunk),
    ((await data.json()) as { data: { store: string } }).data.store,
  ];
}

function open(url: string, signal?: AbortSignal): Promise<Response> {
  const { origin, hash } = new URL(url);
  return fetch(new URL('api/v1/stream', url), {
    method: 'POST',
    body: JSON.stringify({ topics: ['jobs?list=waiting'] }),
    headers: {
      'content-type': 'application/json',
      'x-signalbox': '1',
      origin,
      ...(hash !== '' && { authorization: `Bearer ${hash.slice(3)}` }),
    },
    ...(signal && { signal }),
  });
}

/** Frames of a stream as they come, with something that is written in between. */
async function streamed(url: string): Promise<readonly string[]> {
  const abort = new AbortController();
  const { body } = await open(url, abort.signal);
  const kinds: string[] = [];
  const decoder = new TextDecoder();
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    kinds.push(...framesOf(decoder.decode(chunk)).flatMap(({ is }) => (is === 'alive' ? [] : [is])));
    if (kinds.length === 2) await box.createQueue('mail');
    if (kinds.length > 2) break;
  }
  abort.abort();
  return kinds;
}

function framesOf(text: string): readonly Frame[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Frame);
}

async function serve(listener: RequestListener | Hono): Promise<string> {
  const server =
    typeof listener === 'function' ? createServer(listener) : createAdaptorServer({ fetch: listener.fetch });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  ends.push(() => {
    if ('closeAllConnections' in server) server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
