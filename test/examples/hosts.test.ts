import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { connected } from '../store/postgres/schemas.ts';
import { serverUrl } from '../store/postgres/server.ts';

const start = fileURLToPath(new URL('../../examples/hosts/start.mjs', import.meta.url));

const folders: string[] = [];
const processes: ExampleProcess[] = [];

afterEach(async () => {
  for (const example of processes.splice(0)) await example.end();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});
afterAll(async () => {
  const client = await connected();
  await client.query('DROP SCHEMA IF EXISTS signalbox_hosts CASCADE');
  await client.end();
});

interface JobOverview {
  readonly id: string;
  readonly status: string;
  readonly step: number;
  readonly hosts: readonly string[];
  readonly outcome: unknown;
}

/** The command with all its processes, and what it has said so far. */
class ExampleProcess {
  stdout = '';
  stderr = '';
  readonly #process: ChildProcessByStdio<null, Readable, Readable>;
  readonly #ended: Promise<number | null>;

  constructor(env: NodeJS.ProcessEnv, ...args: string[]) {
    this.#process = spawn(process.execPath, [start, ...args], {
      cwd: newFolder(),
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process.stdout.on('data', (text) => {
      this.stdout += text;
    });
    this.#process.stderr.on('data', (text) => {
      this.stderr += text;
    });
    this.#ended = once(this.#process, 'close').then(([code]) => code);
    processes.push(this);
  }

  /** Resolves with the first group when standard output matches. */
  async said(pattern: RegExp): Promise<string> {
    const end = this.#ended.then(() => 'end');
    for (;;) {
      const match = pattern.exec(this.stdout);
      if (match !== null) return match[1] ?? '';
      if ((await Promise.race([once(this.#process.stdout, 'data'), end])) === 'end')
        throw new Error(`It ended and never said ${pattern}:\n${this.stdout}${this.stderr}`);
    }
  }

  /** Ends it as Ctrl-C does. Gives the exit code. */
  async end(): Promise<number | null> {
    if (this.#process.exitCode === null) this.#process.kill('SIGINT');
    return this.#ended;
  }

  async get<Answer>(path: string): Promise<Answer> {
    return (await fetch(new URL(path, await this.said(/^Open (.*)$/m)))).json() as Promise<Answer>;
  }

  async post(body: string, type = 'application/json'): Promise<Response> {
    const url = new URL('jobs', await this.said(/^Open (.*)$/m));
    return fetch(url, { method: 'POST', headers: { 'content-type': type }, body });
  }

  async put(title: string, steps: number): Promise<JobOverview> {
    const response = await this.post(JSON.stringify({ title, steps }));
    expect(response.status).toBe(201);
    return response.json() as Promise<JobOverview>;
  }

  /** Looks at a job until it is as wanted. */
  async sees(id: string, isWanted: (job: JobOverview) => boolean): Promise<JobOverview> {
    for (;;) {
      const job = await this.get<JobOverview>(`jobs/${id}`);
      if (isWanted(job)) return job;
    }
  }
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-hosts-'));
  folders.push(folder);
  return folder;
}

describe('The hosts', { timeout: 60_000 }, () => {
  it('share the jobs that a third process puts, and take over from one that is killed', async () => {
    const example = new ExampleProcess({ DATABASE_URL: await serverUrl() });
    const long = await example.put('long', 15);
    const first = (await example.sees(long.id, ({ step }) => step > 2)).hosts.at(-1) ?? '';
    process.kill(Number(await example.said(new RegExp(`^${first}: pid (\\d+)$`, 'm'))), 'SIGKILL');
    await example.said(new RegExp(`^${first} has ended \\(SIGKILL\\)`, 'm'));
    const second = first === 'a' ? 'b' : 'a';

    const done = await example.sees(long.id, ({ outcome }) => outcome !== null);

    expect(done.hosts.slice(-2)).toEqual([first, second]);
    expect(done).toMatchObject({ step: 15, outcome: { ok: true, value: `long: done by ${second}` } });
    expect(await example.get('overview')).toMatchObject({
      queues: [
        {
          name: '',
          waiting: [],
          hosts: expect.arrayContaining([
            expect.objectContaining({ name: first, state: 'deactivated', jobs: [] }),
            expect.objectContaining({
              name: second,
              state: 'activated',
              completed: expect.arrayContaining([expect.objectContaining({ id: long.id })]),
            }),
          ]),
        },
      ],
    });
    expect(await example.end()).toBe(0);
  });

  it('show their jobs in the inspector with --inspect', async () => {
    const example = new ExampleProcess({ DATABASE_URL: await serverUrl() }, '--inspect');
    const { id } = await example.put('shown', 1);
    await example.sees(id, ({ outcome }) => outcome !== null);

    const page = await fetch(await example.said(/^Inspector: (.*)$/m));
    const shown = await example.get(`inspect/api/v1/jobs/${id}`);

    expect(await page.text()).toContain('<title>Signalbox</title>');
    expect(shown).toMatchObject({ data: { id, name: 'report', status: 'COMPLETED' } });
    expect(await example.get('inspector')).toEqual({ error: expect.stringContaining('GET /overview') });
    expect(await example.end()).toBe(0);
  });

  it('start on a server of their own, show a page, refuse what is no job, and leave no server behind', async () => {
    const temporary = newFolder();
    // The server of a root runs as a user who owns nothing, and has to get in.
    chmodSync(temporary, 0o755);
    const example = new ExampleProcess({ DATABASE_URL: undefined, TMPDIR: temporary });
    const page = await fetch(await example.said(/^Open (.*)$/m));

    const refused = [
      await example.post('{"title":"x","steps":1}', 'text/plain'),
      await example.post('{"title":"x"}'),
      await example.post('no JSON'),
      await example.post('null'),
    ];

    expect(await page.text()).toContain('<h1>Hosts on one database</h1>');
    expect(refused.map(({ status }) => status)).toEqual([400, 400, 400, 400]);
    expect(await example.get('nowhere')).toEqual({ error: expect.stringContaining('GET /overview') });
    expect(await example.get('inspect/')).toEqual({ error: expect.stringContaining('GET /overview') });
    expect(await example.get('overview')).toMatchObject({ queues: [{ hosts: [{}, {}] }] });
    expect(await example.end()).toBe(0);
    expect(readdirSync(temporary).filter((name) => name.startsWith('signalbox'))).toEqual([]);
  });
});
