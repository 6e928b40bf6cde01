import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { defineJob } from 'signalbox';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { makeNodeBox } from '../../behaviours/stores.ts';
import { newPostgresStore, newSchema, removeSchemas } from './schemas.ts';
import { serverUrl } from './server.ts';

const note = defineJob({ name: 'note', run: (text: string) => text });
const hold = defineJob({ name: 'hold', run: async (): Promise<string> => '' });
const busy = defineJob({ name: 'busy', run: (_ms: number): string => '' });
const [a, b] = ['a', 'b'].map((letter) => `${letter.repeat(8)}-0000-4000-8000-000000000000`) as [
  string,
  string,
];

const children = new Set<ChildProcess>();

afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
});
afterAll(removeSchemas);

/** Another process on a schema. Death counts after one second there. */
class Worker {
  readonly child: ChildProcess;
  readonly lines: string[] = [];
  #heard = (): void => {};

  constructor(url: string, schema: string, uuid: string, size = 3) {
    const program = join(import.meta.dirname, 'box-worker.ts');
    const parts = ['--conditions', 'source', '--import', 'tsx', program, url, schema, uuid, String(size)];
    this.child = spawn(process.execPath, parts, { stdio: ['pipe', 'pipe', 'inherit'] });
    children.add(this.child);
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      this.lines.push(line);
      this.#heard();
    });
  }

  /** Resolves when it has said something like this. */
  async said(text: string | RegExp): Promise<void> {
    while (!this.lines.some((line) => (typeof text === 'string' ? line === text : text.test(line))))
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
  }

  tell(text: string): void {
    this.child.stdin?.write(`${text}\n`);
  }

  async killed(): Promise<void> {
    this.child.kill('SIGKILL');
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
  }
}

/** A box that only puts and looks, and a way to start others on the same schema. */
async function makeSite() {
  const [url, schema] = [await serverUrl(), newSchema()];
  const { box } = await makeNodeBox({
    store: newPostgresStore({ schema, clock: 'database' }),
    jobs: [note, hold, busy],
    queues: [''],
    uuid: 'cccccccc-0000-4000-8000-000000000000',
  });
  const start = async (uuid: string, size?: number): Promise<Worker> => {
    const worker = new Worker(url, schema, uuid, size);
    await worker.said('started');
    return worker;
  };
  const events = async (id: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const entry of box.store.history('job', id)) found.push(entry.event);
    return found;
  };
  return { box, queue: box.queue(), start, events };
}

describe('Processes that share a postgres store', { timeout: 60_000 }, () => {
  it('do each job once, and tell its result to whoever put it', async () => {
    const { queue, start, events } = await makeSite();
    await Promise.all([start(a, 1), start(b, 1)]);

    const jobs = await queue.putAll(Array.from({ length: 60 }, (_, index) => note(`${index}`)));
    const results = await Promise.all(jobs.map((job) => job.result()));

    expect(results.map((result) => result.split(' by ')[0])).toEqual(jobs.map((job) => job.args[0]));
    for (const job of jobs) {
      const all = await events(job.id ?? '');
      expect(all.filter((event) => event === 'job.finish')).toHaveLength(1);
      expect(all.filter((event) => event === 'job.start')).toHaveLength(1);
    }
  });

  it('take over from one that was killed', async () => {
    const { queue, start } = await makeSite();
    const first = await start(a);
    const job = await queue.put(hold());
    await first.said(`active ${job.id}`);
    const second = await start(b);

    await first.killed();

    await second.said(`active ${job.id}`);
    second.tell(`open ${job.id}`);
    expect(await job.result()).toBe(b);
    expect((await job.refresh()).record.attempts).toBe(2);
  });

  it('refuse what one writes that stood still past its death, and take it back', async () => {
    const { queue, start, events } = await makeSite();
    const first = await start(a);
    const job = await queue.put(hold());
    await first.said(`active ${job.id}`);
    const second = await start(b);

    first.child.kill('SIGSTOP');
    await second.said(`active ${job.id}`);
    first.tell(`open ${job.id}`);
    first.child.kill('SIGCONT');
    await first.said(/nothing was written/);
    await first.said(/while it lives/);
    second.tell(`open ${job.id}`);

    expect(await job.result()).toBe(b);
    expect((await events(job.id ?? '')).filter((event) => event === 'job.finish')).toHaveLength(1);
    first.tell('stop');
    await once(first.child, 'exit');
  });

  it('do not take one for dead whose job keeps its event loop busy', async () => {
    const { queue, start, events } = await makeSite();
    const watching = await start(b, 1);
    const held = await queue.put(hold());
    await watching.said(`active ${held.id}`);
    const working = await start(a, 1);

    const job = await queue.put(busy(3000));

    expect(await job.result()).toBe(a);
    expect(await events(job.id ?? '')).not.toContain('job.interrupt');
    expect(working.lines.filter((line) => /while it lives/.test(line))).toEqual([]);
  });
});
