import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface ReportStatus {
  readonly id: string;
  readonly status: string;
  readonly progress: { readonly done: number; readonly of: number };
  readonly outcome: { readonly ok: boolean; readonly value?: unknown } | null;
}

/** A process of an example, and what it has said so far. */
class Service {
  readonly #url: Promise<string>;
  #said = '';
  readonly #process: ChildProcessByStdio<null, Readable, Readable>;
  readonly #ended: Promise<readonly [number | null, NodeJS.Signals | null]>;

  constructor(name: string, folder: string) {
    this.#process = spawn(process.execPath, [join(root, 'examples', name, 'start.mjs')], {
      cwd: folder,
      env: { ...process.env, PORT: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream.on('data', (text) => {
        this.#said += text;
      });
    this.#ended = once(this.#process, 'close').then(([code, signal]) => [code, signal] as const);
    this.#url = this.#says(/Listening on (http:\S+),/);
    // A test may end a service before it asks.
    this.#url.catch(() => {});
  }

  /** Resolves with the first group when standard output matches. */
  async #says(pattern: RegExp): Promise<string> {
    const end = this.#ended.then(() => 'end');
    for (;;) {
      const match = pattern.exec(this.#said);
      if (match !== null) return match[1] ?? '';
      if ((await Promise.race([once(this.#process.stdout, 'data'), end])) === 'end')
        throw new Error(`It ended and never said ${pattern}:\n${this.#said}`);
    }
  }

  /** Sends a signal to the process that it named. Resolves with its exit code and the signal that ended it. */
  async kill(signal: NodeJS.Signals): Promise<readonly [number | null, NodeJS.Signals | null]> {
    if (this.#process.exitCode === null && this.#process.signalCode === null)
      process.kill(Number(await this.#says(/pid (\d+)/)), signal);
    return this.#ended;
  }

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(new URL(path, await this.#url), init);
  }

  async get(path: string): Promise<ReportStatus> {
    const response = await this.fetch(path);
    expect([path, response.status]).toEqual([path, 200]);
    return response.json() as Promise<ReportStatus>;
  }

  post(body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return this.fetch('reports', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  }

  async put(title: string, steps: number): Promise<ReportStatus> {
    const response = await this.post({ title, steps });
    expect(response.status).toBe(202);
    return response.json() as Promise<ReportStatus>;
  }

  /** Asks about a report until it is as wanted. */
  async sees(id: string, isWanted: (report: ReportStatus) => boolean): Promise<ReportStatus> {
    for (;;) {
      const report = await this.get(`reports/${id}`);
      if (isWanted(report)) return report;
    }
  }
}

/** Does what a page of the inspector does that shows what happens. */
function openStream(service: Service): Promise<Response> {
  return service.fetch('inspect/api/v1/stream', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-signalbox': '1', 'sec-fetch-site': 'same-origin' },
    body: JSON.stringify({ topics: ['overview'] }),
  });
}

describe.each(['express', 'fastify', 'nest'])('The service on %s', { timeout: 60_000 }, (name) => {
  let service: Service;
  let folder = '';

  // The first start installs the dependencies of the example.
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), `signalbox-${name}-`));
    service = new Service(name, folder);
    await service.fetch('health');
  }, 120_000);
  afterAll(async () => {
    await service.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  it('accepts a report, shows its progress and its result, and says that it is healthy', async () => {
    const response = await service.post({ title: 'sales', steps: 4 }, { 'idempotency-key': 'sales-1' });
    const repeated = await service.post({ title: 'sales', steps: 4 }, { 'idempotency-key': 'sales-1' });
    const where = response.headers.get('location') ?? '';
    const running = await service.sees('sales-1', ({ progress }) => progress.done > 0);
    const done = await service.sees('sales-1', ({ status }) => status === 'COMPLETED');

    expect([response.status, repeated.status, where]).toEqual([202, 202, '/reports/sales-1']);
    expect(running.progress.of).toBe(4);
    expect(done).toMatchObject({
      id: 'sales-1',
      ending: 'succeeded',
      progress: { done: 4, of: 4 },
      outcome: { ok: true, value: 'sales: 4 steps' },
    });
    expect(await service.get('health')).toEqual({ status: 'RUNNING', waiting: 0 });
  });

  it('shows its reports in the inspector: page, scripts, data, and requests with a body', async () => {
    const { id } = await service.put('shown', 1);

    const page = await service.fetch('inspect');
    const [, script = ''] = /src="\.\/([^"]+\.js)"/.exec(await page.text()) ?? [];
    const loaded = await service.fetch(`inspect/${script}`);
    const shown = await (await service.fetch(`inspect/api/v1/jobs/${id}`)).json();
    const stream = await openStream(service);
    await stream.body?.cancel();
    const foreign = await service.fetch('inspect/api/v1/stream', { method: 'POST', body: '{}' });

    expect([page.url.endsWith('/inspect/'), page.status, loaded.status]).toEqual([true, 200, 200]);
    expect(loaded.headers.get('content-type')).toContain('javascript');
    expect(shown).toMatchObject({ data: { id, name: 'report', args: [{}, {}] } });
    // Its own headers: the service has not taken the request, nor its body.
    expect(stream.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect([foreign.status, await foreign.json()]).toMatchObject([
      403,
      { error: { code: 'ORIGIN_REFUSED' } },
    ]);
  });

  it('refuses what is not a report, and an id that no report has', async () => {
    const refused = [
      await service.post({ title: 'x' }),
      await service.post({ title: 'x', steps: 0 }),
      await service.post({ title: 'x', steps: 1 }, { 'idempotency-key': 'not an id' }),
      await service.fetch('reports', { method: 'POST', body: 'no JSON' }),
      await service.fetch('reports/none'),
      await service.fetch('nowhere'),
    ];

    expect(refused.map(({ status }) => Math.floor(status / 100))).toEqual([4, 4, 4, 4, 4, 4]);
    expect(await refused[4]?.json()).toEqual({ error: expect.stringContaining('none') });
  });

  it('loses nothing when it is killed: every report is done after the next start', async () => {
    const titles = Array.from({ length: 6 }, (_, number) => `report ${number}`);
    const reports = await Promise.all(titles.map((title) => service.put(title, 8)));
    const [{ id } = { id: '' }] = reports;
    const before = await service.sees(id, ({ progress }) => progress.done > 2);
    const killed = await service.kill('SIGKILL');

    service = new Service(name, folder);
    const after = await service.get(`reports/${id}`);
    const done = await Promise.all(
      reports.map(({ id }) => service.sees(id, ({ outcome }) => outcome !== null)),
    );

    expect([killed, before.outcome]).toEqual([[null, 'SIGKILL'], null]);
    expect(after.progress.done).toBeGreaterThanOrEqual(before.progress.done);
    expect(done.map(({ outcome }) => outcome)).toEqual(
      titles.map((title) => ({ ok: true, value: `${title}: 8 steps` })),
    );
  });

  it('ends at SIGTERM in under 10 s while a report runs, and continues it at the next start', async () => {
    const { id } = await service.put('long', 60);
    const short = await service.put('short', 6);
    await service.sees(id, ({ progress }) => progress.done > 0);
    // A page of the inspector that stays open does not keep the process.
    await openStream(service);
    const signalledAt = performance.now();

    const ended = await service.kill('SIGTERM');

    expect(ended).toEqual([0, null]);
    expect(performance.now() - signalledAt).toBeLessThan(10_000);
    service = new Service(name, folder);
    const after = await service.get(`reports/${id}`);
    expect(after).toMatchObject({ outcome: null, progress: { of: 60 } });
    expect(after.progress.done).toBeGreaterThan(6);
    expect(await service.get(`reports/${short.id}`)).toMatchObject({ status: 'COMPLETED' });
    const next = await service.sees(id, ({ progress }) => progress.done !== after.progress.done);
    expect(next.progress.done).toBeGreaterThan(after.progress.done);
  });

  it('compiles', async () => {
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const child = spawn(process.execPath, [tsc, '-p', join(root, 'examples', name)], { stdio: 'pipe' });
    let said = '';
    child.stdout.on('data', (text) => {
      said += text;
    });

    expect([await once(child, 'close'), said]).toEqual([[0, null], '']);
  });
});
