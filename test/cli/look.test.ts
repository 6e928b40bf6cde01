import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { agent, createSignalbox, defineJob, local, memoryStore } from 'signalbox';
import { createInspector } from 'signalbox/inspector';
import { jsonStore } from 'signalbox/json';
import { VirtualReactor } from 'signalbox/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'signalbox-look-'));
const store = join(folder, 'store');
const ids = { failed: 'f1', waiting: 'w1', secret: 's1' };

// A copy of what a process had on disk, in the middle of its work.
beforeAll(async () => {
  const charge = defineJob({
    name: 'charge',
    retry: { maxAttempts: 2, delay: '5s' },
    run: (): void => {
      local.progress(5, 20, 'asks the bank');
      throw new Error('card refused');
    },
  });
  const slow = defineJob({ name: 'slow', run: () => new Promise<void>(() => {}) });
  const login = defineJob({ name: 'login', redact: ['0'], run: (pin: string) => pin.length });
  const reactor = new VirtualReactor();
  const box = await createSignalbox({
    store: jsonStore(join(folder, 'living')),
    jobs: [charge, slow, login],
    queues: ['mail'],
    reactor,
  });
  reactor.attach(box);
  const queue = box.queue('mail');
  await queue.quotas.ensure('smtp', { size: 1 });
  await reactor.until(box.start({ agent: agent({ size: 4 }) }));
  await queue.put(charge(), { id: ids.failed });
  await queue.put(login('4711'), { id: ids.secret });
  await queue.put(slow(), { quotaNames: ['smtp'] });
  await queue.put(slow(), { id: ids.waiting, quotaNames: ['smtp'], unique: {} });
  await queue.schedules.set('nightly', { cron: '30 2 * * *', tz: 'Europe/Berlin' }, login('4711'));
  await queue.schedules.set('often', { every: '6s', maxRuns: 4 }, login('4712'));
  await reactor.advance('20s');
  cpSync(join(folder, 'living'), store, { recursive: true });
  await reactor.until(box.stop());
});

afterAll(() => rmSync(folder, { recursive: true }));

const look = (...args: readonly string[]) => run(...args, '--store', store);

describe('signalbox, on the store of a process that is gone,', () => {
  it('explains why a job waits', async () => {
    const { code, out } = await look('explain', ids.waiting);

    expect(code).toBe(0);
    expect(out).toMatch(/^slow w1 is PENDING: quota 'smtp' is full: 1 of 1\.\nWait until a holder ends/);
    expect(out).toContain("  NO   quota 'smtp' is full: 1 of 1");
    expect(out).toMatch(/\nIt has the unique name mail\/slow\/[0-9a-f]{64}, until it has its outcome\.\n/);
  });

  it('shows a job with its attempts and the place of its error', async () => {
    const { out } = await look('job', ids.failed);

    expect(out).toMatch(/^charge f1 is COMPLETED: it failed after 2 attempts: Error: card refused\./);
    expect(out).toMatch(/outcome {4}Error: card refused at look\.test\.ts:\d+/);
    expect(out).toMatch(/\nprogress {3}\[#{5}\.{15}\] 5 of 20 \(25 %\), asks the bank, at 20\d\d-\S+Z\n/);
    expect(out).toMatch(/\n {6}2 .* failed {2}card refused\n$/);
  });

  it('lists the schedules with their next ticks, and what the last ticks of one became', async () => {
    const { code, out } = await look('schedules', '--queue', 'mail');
    const one = await look('schedules', 'mail/often');
    const { out: json } = await look('schedules', '--json');

    expect(code).toBe(0);
    expect(out).toMatch(
      /mail\/nightly +30 2 \* \* \* in Europe\/Berlin +active +2030-01-01.01:30:00\S*, 2030-01-02.01:30:00/,
    );
    expect(out).toMatch(/mail\/often +every 6 seconds, 4 times +active .* login +3 +0 +0/);
    expect(one.out.match(/ job +\S+ +succeeded/g)).toHaveLength(3);
    expect(JSON.parse(json).schedules[0]).toMatchObject({
      name: 'nightly',
      runs: 0,
      setAt: expect.any(Number),
    });
    expect([out, one.out, json].join()).not.toContain('471');
    expect((await look('schedules', 'mail/none')).code).toBe(2);
  });

  it('lists what happened to a job', async () => {
    const { out } = await look('history', ids.failed);

    expect(out.split('\n').map((line) => /job\.\w+/.exec(line)?.[0])).toEqual([
      undefined,
      ...['job.put', 'job.claim', 'job.start', 'job.reschedule', 'job.claim', 'job.start', 'job.finish'],
      'job.complete',
      undefined,
    ]);
  });

  it('lists jobs by list, queue and filter', async () => {
    expect((await look('jobs')).out).toContain('w1  slow  PENDING  mail');
    expect((await look('jobs', '--list', 'failed', '--filter', 'error:card')).out).toContain(
      'f1  charge  failed',
    );
    expect((await look('jobs', '--list', 'failed', '--filter', 'error:other')).out).not.toContain('f1');
    expect((await look('jobs', '--queue', '')).out).not.toContain('w1');
  });

  it('finds jobs in all lists, newest first, and nothing by what is redacted', async () => {
    const idsOf = async (...args: readonly string[]) => {
      const { json } = await look('jobs', ...args, '--json');
      return (json.rows as { readonly id: string }[]).map(({ id }) => id);
    };

    expect(await idsOf('--error', 'card *')).toEqual([ids.failed]);
    expect(await idsOf('--ending', 'failed,aborted', '--job', 'charge', '--since', '20000d')).toEqual([
      ids.failed,
    ]);
    expect(await idsOf('--until', '20000d')).toEqual([]);
    expect(await idsOf('--job', 'slow,charge', '--queue', 'mail', '--limit', '1')).toEqual([ids.waiting]);
    expect(await idsOf('--status', 'PENDING', '--tag', 'none')).toEqual([]);
    expect((await idsOf('--schedule', 'mail/often')).length).toBe(3);
    expect((await look('jobs', '--error', 'card *')).out).toContain('f1  charge  failed');
    const hidden = await look('jobs', '--args', '0=4711', '--json');
    expect([hidden.code, hidden.json]).toMatchObject([2, { error: { code: 'INVALID_FILTER' } }]);
    expect((await look('jobs', '--args', '4711')).err).toContain('Expected --args to be PATH=VALUE');
    expect((await look('jobs', '--list', 'failed', '--tag', 'a')).code).toBe(2);
  });

  it('says what needs attention, and how full queues, quotas and agents are', async () => {
    const { out } = await look('status');

    expect(out).toMatch(/^The store as it was at \d{4}-.*, entry \d+\.\n/);
    expect(out).toMatch(/'mail' +1 +1 .* smtp 1\/1 +main 1\/4/);
    expect((await look('queues')).out).toContain('smtp 1/1');
  });

  it('gives each answer as one JSON object', async () => {
    const answers = await Promise.all(
      [
        ['explain', ids.waiting],
        ['job', ids.failed],
        ['history', ids.failed],
        ['jobs'],
        ['status'],
        ['queues'],
      ].map((args) => look(...args, '--json')),
    );

    expect(answers.map(({ code }) => code)).toEqual(answers.map(() => 0));
    expect(answers[0]?.json).toMatchObject({ verdict: { code: 'quota:mail/smtp' } });
    expect(answers[3]?.json).toMatchObject({ rows: [{ id: ids.waiting }], counts: { waiting: { n: 1 } } });
  });

  it('shows nothing that a definition redacts, though it does not have the definition', async () => {
    const texts = [await look('job', ids.secret), await look('job', ids.secret, '--json')].map(
      ({ out }) => out,
    );

    expect(texts[0]).toContain('arguments  <redacted>');
    expect(texts.join()).not.toContain('4711');
  });

  it('opens the inspector on a directory, until it is stopped', async () => {
    const main = join(import.meta.dirname, '../../dist/src/cli/main.js');
    const child = promisify(execFile)(process.execPath, [main, 'inspect', store, '--json']);
    const line = await new Promise<string>((resolve) =>
      child.child.stdout?.once('data', (data) => resolve(String(data))),
    );
    const url = new URL((JSON.parse(line) as { url: string }).url);
    const headers = { authorization: `Bearer ${url.hash.slice(3)}` };
    const answer = await fetch(new URL(`api/v1/jobs/${ids.waiting}`, url), { headers });
    const { data } = (await answer.json()) as { data: { explanation: { verdict: { code: string } } } };
    child.child.kill('SIGTERM');
    await child.catch(() => {});

    expect(data.explanation.verdict.code).toBe('quota:mail/smtp');
  });

  it('finds an inspector that runs, and says what it shows', async () => {
    const box = await createSignalbox({ store: memoryStore(), jobs: [], queues: ['mail'] });
    const { url, close } = await createInspector(box).listen();

    const found = await run('inspect', url);
    const asJson = await run('inspect', url, '--json');
    const refused = await run('inspect', url.replace(/#.*/, ''));
    await close();
    await box.stop();
    const gone = await run('inspect', url);

    expect(found.code).toBe(0);
    expect(found.out).toMatch(
      /^Store main in memory, at work: entry \d+ at \d{4}-.*\nYou are local, with level read\.\nOpen http/,
    );
    expect(asJson.json).toMatchObject({ store: 'main', place: 'memory', source: 'live', level: 'read' });
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringContaining('TOKEN_REFUSED: Expected the token'),
    ]);
    expect([gone.code, gone.err]).toEqual([3, expect.stringMatching(/^No inspector answers at http/)]);
  });

  it('says that what answers is no inspector', async () => {
    const server = createServer((_, response) => void response.writeHead(200).end('hello'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;

    const answer = await run('inspect', `http://127.0.0.1:${port}/inspect`);
    server.close();

    expect([answer.code, answer.err]).toEqual([
      1,
      expect.stringContaining('got something else with HTTP status 200'),
    ]);
    expect((await run('inspect', 'http://127.0.0.1:1', '--port', '80')).code).toBe(2);
  });

  it('changes no byte and no time of the files', async () => {
    const before = filesOf(store);
    for (const args of [['status'], ['queues'], ['jobs'], ['job', ids.failed], ['explain', ids.waiting]])
      await look(...args);

    expect(filesOf(store)).toEqual(before);
  });

  it.each([
    [['explain', 'nope'], 1, 'JOB_NOT_FOUND'],
    [['jobs', '--list', 'lost'], 2, 'Expected --list to be waiting, held'],
    [['jobs', '--limit', '0'], 2, 'from 1 to 200, got 0'],
    [['jobs', '--filter', 'colour:red'], 2, 'colour:red'],
    [['explain'], 2, "missing required argument 'id'"],
  ])('refuses %j with code %i', async (args, code, reason) => {
    const { err, ...done } = await look(...args);

    expect([done.code, err]).toEqual([code, expect.stringContaining(reason)]);
  });

  it('refuses a directory without a store, and a database', async () => {
    expect(await run('status', '--store', join(folder, 'nowhere'))).toMatchObject({
      code: 1,
      err: expect.stringContaining('STORE_MISSING'),
    });
    expect(await run('status', '--store', 'postgres://localhost/jobs')).toMatchObject({
      code: 2,
      err: expect.stringContaining('Expected the directory of a json store, got a database'),
    });
    expect(readdirSync(folder).sort()).toEqual(['living', 'store']);
  });
});

function filesOf(directory: string) {
  return readdirSync(directory)
    .sort()
    .map((name) => {
      const { mtimeMs, ino } = statSync(join(directory, name));
      return [name, mtimeMs, ino, readFileSync(join(directory, name), 'hex')];
    });
}
