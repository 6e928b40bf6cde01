import { createServer, request as httpRequest, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { createSignalbox, memoryStore, type Signalbox } from 'signalbox';
import { createInspector, type InspectorOptions } from 'signalbox/inspector';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

let box: Signalbox;
const ends: (() => Promise<unknown> | unknown)[] = [];

beforeEach(async () => {
  box = await createSignalbox({ store: memoryStore(), jobs: [] });
  ends.push(() => box.stop());
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const end of ends.splice(0).reverse()) await end();
});

interface Answered {
  readonly status: number;
  readonly code: string | undefined;
  readonly headers: Headers;
  readonly text: string;
}

describe('An inspector of its own', () => {
  it('prints an address that opens: the page without a token, the data with it', async () => {
    const { port, token } = await listening();

    const page = await get(port, '/');
    const data = await get(port, '/api/v1/hello', { authorization: `Bearer ${token}` });

    expect([page.status, data.status]).toEqual([200, 200]);
    expect(JSON.parse(data.text)).toMatchObject({
      data: { v: 1, store: 'main', user: 'local', level: 'read' },
    });
  });

  it.each(['evil.example', 'evil.example:PORT', '127.0.0.1.evil.example:PORT', 'localhost:1', '127.0.0.1'])(
    '[check 1] does not answer under the name %s',
    async (name) => {
      const { port, token } = await listening();

      const answer = await get(port, '/api/v1/hello', {
        host: name.replace('PORT', String(port)),
        authorization: `Bearer ${token}`,
      });

      expect([answer.status, answer.code]).toEqual([421, 'HOST_REFUSED']);
    },
  );

  it.each(['127.0.0.1:PORT', 'localhost:PORT', '[::1]:PORT'])('answers under %s', async (name) => {
    const { port, token } = await listening();
    const host = name.replace('PORT', String(port));

    const answer = await get(port, '/api/v1/hello', { host, authorization: `Bearer ${token}` });

    expect(answer.status).toBe(200);
  });

  it('[check 1] refuses a request with two names', async () => {
    const { port } = await listening();

    const answer = await raw(port, `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nHost: evil.example\r\n\r\n`);

    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('[check 1] answers under a name that it was given', async () => {
    const { port, token } = await listening({ allowedHosts: ['jobs.example.org'] });

    const answer = await get(port, '/api/v1/hello', {
      host: 'jobs.example.org',
      authorization: `Bearer ${token}`,
    });

    expect(answer.status).toBe(200);
  });

  it.each([
    ['a form of a stranger', { 'sec-fetch-site': 'cross-site', origin: 'http://evil.example' }, 403],
    ['another service of this computer', { 'sec-fetch-site': 'same-site' }, 403],
    ['a program that names another origin', { origin: 'http://127.0.0.1:1' }, 403],
    ['a program that names no origin', {}, 403],
    ['a page that cannot set a header', { 'sec-fetch-site': 'same-origin', 'x-signalbox': '' }, 403],
    ['text', { 'sec-fetch-site': 'same-origin', 'content-type': 'text/plain' }, 415],
    ['a large body', { 'sec-fetch-site': 'same-origin', 'content-length': '65537' }, 413],
    ['the page itself', { 'sec-fetch-site': 'same-origin' }, 404],
  ] as const)('[check 2] answers a POST of %s accordingly', async (_, headers, status) => {
    const { port, token } = await listening();

    const answer = await get(
      port,
      '/api/v1/none',
      {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'content-length': '2',
        'x-signalbox': '1',
        ...headers,
      },
      'POST',
    );

    expect(answer.status).toBe(status);
  });

  it('[check 2] lets no other page read an answer, and uses no other method', async () => {
    const { port, token } = await listening();
    const headers = { authorization: `Bearer ${token}`, origin: 'http://evil.example' };

    const read = await get(port, '/api/v1/hello', headers);
    const asked = await get(port, '/api/v1/hello', headers, 'OPTIONS');

    expect([...read.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect([asked.status, asked.code]).toEqual([405, 'METHOD_REFUSED']);
  });

  it.each(['', 'Bearer', 'Bearer x', 'Basic TOKEN', 'Bearer TOKENx'])(
    '[check 3] keeps its data from a request that says %s',
    async (said) => {
      const { port, token } = await listening();

      const answer = await get(port, '/api/v1/hello', { authorization: said.replace('TOKEN', token) });

      expect([answer.status, answer.code]).toEqual([401, 'TOKEN_REFUSED']);
    },
  );

  it('[check 3] has another token in every process, of 256 bits', async () => {
    const [first, second] = [await listening(), await listening()];

    expect(first.token).not.toBe(second.token);
    expect(Buffer.from(first.token, 'base64url')).toHaveLength(32);
  });

  it.each([
    ['0.0.0.0', {}, {}, 'INVALID_OPTION'],
    ['::', {}, {}, 'INVALID_OPTION'],
    ['0.0.0.0', { token: 'a secret' }, {}, undefined],
    ['0.0.0.0', {}, { authorize: () => null }, undefined],
  ])('[check 5] listens on %s only when people are checked', async (host, more, options, code) => {
    const inspector = createInspector(box, options);

    const failed = await inspector.listen({ host, ...more }).then(
      (own) => own.close().then(() => undefined),
      (error: { code: string }) => error.code,
    );

    expect(failed).toBe(code);
  });

  it('[check 5] listens on this computer alone', async () => {
    const { url } = await listening();

    expect(new URL(url).hostname).toBe('127.0.0.1');
  });

  it('says on every answer what a page may do', async () => {
    const { port } = await listening();

    for (const path of ['/', '/api/v1/hello', '/assets/none', '/none']) {
      const { headers } = await get(port, path);
      expect(headers.get('content-security-policy')).toMatch(
        /^default-src 'none'; script-src 'self'; .*frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'$/,
      );
      expect([
        headers.get('x-content-type-options'),
        headers.get('referrer-policy'),
        headers.get('cross-origin-opener-policy'),
        headers.get('cross-origin-resource-policy'),
        headers.get('cache-control'),
      ]).toEqual(['nosniff', 'no-referrer', 'same-origin', 'same-origin', 'no-store']);
    }
  });

  it('keeps what is named by its content', async () => {
    const { port } = await listening();
    const [, script = ''] = /src="\.(\/assets\/[^"]+\.js)"/.exec((await get(port, '/')).text) ?? [];

    const { status, headers } = await get(port, script, { 'accept-encoding': 'gzip, br' });

    expect([status, headers.get('content-encoding'), headers.get('cache-control')]).toEqual([
      200,
      'br',
      'public, max-age=31536000, immutable',
    ]);
  });

  it.each(['/assets/..%2f..%2fpackage.json', '/assets/%00', '/assets/index.html'])(
    'leads no path to the disk: %s',
    async (path) => {
      const { port } = await listening();

      const answer = await get(port, path);

      expect([answer.status, answer.text.includes('signalbox')]).toEqual([404, false]);
    },
  );
});

describe('An inspector that is part of another server', () => {
  it('answers every request of this computer while a program is written', async () => {
    const port = await mounted({});

    expect((await get(port, '/api/v1/hello')).status).toBe(200);
  });

  it('[check 1] does not answer under a strange name', async () => {
    const port = await mounted({});

    expect((await get(port, '/', { host: `evil.example:${port}` })).status).toBe(421);
  });

  it.each([
    ['names and people are not named', {}, 'HOSTS_NOT_NAMED'],
    ['people are not named', { allowedHosts: ['jobs.example.org'] }, 'AUTHORIZE_MISSING'],
    ['a person is refused', { allowedHosts: ['jobs.example.org'], authorize: () => null }, 'NOT_AUTHORIZED'],
  ])('[check 3] is closed in production when %s', async (_, options, code) => {
    vi.stubEnv('NODE_ENV', 'production');
    const port = await mounted(options);

    for (const path of ['/', '/api/v1/hello']) {
      const answer = await get(port, path, { host: 'jobs.example.org' });
      expect([answer.status, answer.code]).toEqual([403, code]);
    }
  });

  it('[check 3] opens in production to whom the program has checked', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    const port = await mounted({
      allowedHosts: ['jobs.example.org'],
      authorize: async ({ headers }) =>
        headers.get('cookie') === 'mira' ? { user: 'mira', level: 'read' } : null,
    });

    const hers = await get(port, '/api/v1/hello', { host: 'jobs.example.org', cookie: 'mira' });
    const his = await get(port, '/api/v1/hello', { host: 'jobs.example.org', cookie: 'ivan' });

    expect([JSON.parse(hers.text).data.user, his.status]).toEqual(['mira', 403]);
  });

  it.each([
    ['none', 403],
    ['read', 200],
    ['operate', 200],
    ['admin', 200],
    ['root', 403],
  ] as const)('[check 4] shows level %s its data accordingly', async (level, status) => {
    const port = await mounted({ authorize: () => ({ user: 'mira', level: level as 'none' }) });

    for (const path of ['hello', 'explain/none', 'jobs/none', 'jobs/none/history', 'jobs', 'overview']) {
      const answer = await get(port, `/api/v1/${path}`);
      if (status === 403) expect([path, answer.status, answer.code]).toEqual([path, 403, 'LEVEL_REFUSED']);
      else expect([path, answer.status]).not.toEqual([path, 403]);
    }
  });

  it.each([
    ['none', 403],
    ['read', 200],
    ['admin', 200],
    ['root', 403],
  ] as const)('[check 4] opens a stream at level %s accordingly', async (level, status) => {
    const { fetch } = createInspector(box, { authorize: () => ({ user: 'mira', level: level as 'none' }) });

    const answer = await fetch(streamRequest());

    expect([answer.status, answer.headers.get('content-type')?.split(';')[0]]).toEqual([
      status,
      status === 200 ? 'application/x-ndjson' : 'application/json',
    ]);
    await answer.body?.cancel();
  });

  it.each([
    ['of another name', { host: 'evil.example', origin: 'http://evil.example' }, 421],
    ['of a page of another origin', { origin: 'http://evil.example' }, 403],
    ['of another site', { 'sec-fetch-site': 'cross-site' }, 403],
    ['without the header that a form cannot set', { 'x-signalbox': '' }, 403],
    ['of plain text', { 'content-type': 'text/plain' }, 415],
    ['whose length is no number', { 'content-length': 'x' }, 413],
    ['of too many topics', { 'x-topics': 'many' }, 400],
    ['of the page itself', { 'sec-fetch-site': 'same-origin' }, 200],
  ])('[check 2] answers the request for a stream %s accordingly', async (_, headers, status) => {
    const { fetch } = createInspector(box);

    const answer = await fetch(streamRequest(headers));

    expect(answer.status).toBe(status);
    await answer.body?.cancel();
  });

  it('[check 3] keeps a stream from those without the token', async () => {
    const { port, token } = await listening();
    const origin = `http://127.0.0.1:${port}`;
    const headers = { origin, 'content-type': 'application/json', 'x-signalbox': '1', 'content-length': '2' };

    const without = await get(port, '/api/v1/stream', headers, 'POST');
    const withIt = await get(
      port,
      '/api/v1/stream',
      { ...headers, authorization: `Bearer ${token}` },
      'POST',
    );

    expect([without.code, withIt.code]).toEqual(['TOKEN_REFUSED', 'TOPICS_EXPECTED']);
  });

  it('answers a request that is one of the web', async () => {
    const { fetch } = createInspector(box);

    const page = await fetch(new Request('http://127.0.0.1:3000/inspect/'));
    const data = await fetch(new Request('http://localhost/inspect/api/v1/hello'));
    const strange = await fetch(new Request('http://evil.example/inspect/'));

    expect([page.status, data.status, strange.status]).toEqual([200, 200, 421]);
  });

  it.each([
    ['/inspect', './inspect/'],
    ['/a/b', './b/'],
    ['//evil.example', './evil.example/'],
  ])('leads %s to the page below it, and never away', async (path, location) => {
    const { fetch } = createInspector(box);

    const answer = await fetch(new Request(`http://127.0.0.1${path}`));

    expect([answer.status, answer.headers.get('location')]).toEqual([308, location]);
  });
});

it('An option that is misspelt is refused', () => {
  expect(() => createInspector(box, { authorise: () => null } as object)).toThrow(/authorise/);
});

/** A request for a stream as the page sends it, but for these headers. */
function streamRequest(headers: Record<string, string> = {}): Request {
  const topics =
    headers['x-topics'] === 'many' ? Array.from({ length: 17 }, (_, at) => `jobs/${at}`) : ['hello'];
  const body = JSON.stringify({ topics });
  return new Request('http://127.0.0.1/inspect/api/v1/stream', {
    method: 'POST',
    body,
    headers: {
      host: '127.0.0.1',
      origin: 'http://127.0.0.1',
      'content-type': 'application/json',
      'content-length': String(body.length),
      'x-signalbox': '1',
      ...headers,
    },
  });
}

async function listening(options: InspectorOptions = {}): Promise<{
  readonly url: string;
  readonly port: number;
  readonly token: string;
}> {
  const { url, close } = await createInspector(box, options).listen();
  ends.push(close);
  const [, port, token = ''] = /:(\d+)\/#t=(.+)$/.exec(url) ?? [];
  return { url, port: Number(port), token };
}

async function mounted(options: InspectorOptions): Promise<number> {
  const inspector = createInspector(box, options);
  const server: Server = createServer((incoming, outgoing) => void inspector.node(incoming, outgoing));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(
    () => server.closeAllConnections(),
    () => void server.close(),
  );
  return (server.address() as AddressInfo).port;
}

/** A request with exactly these headers: fetch lets a program set neither Host nor Origin. */
function get(
  port: number,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, path, method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const isJson = response.headers['content-type']?.startsWith('application/json') === true;
        const code = isJson ? JSON.parse(text).error?.code : undefined;
        const answered = new Headers(response.headers as Record<string, string>);
        resolve({ status: response.statusCode ?? 0, code, headers: answered, text });
      });
    });
    request.on('error', reject);
    request.end(method === 'POST' ? '{}'.padEnd(Number(headers['content-length'] ?? 2)) : undefined);
  });
}

/** What a server says to bytes. */
function raw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.once('data', (data) => {
      resolve(data.toString());
      socket.destroy();
    });
  });
}
