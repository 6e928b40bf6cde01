import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from 'pg';
import { createSignalbox, defineJob, type Job, type Signalbox, type Store } from 'signalbox';
import { jsonStore, verifyStore } from 'signalbox/json';
import { postgresStore } from 'signalbox/postgres';
import { afterAll, describe, expect, it } from 'vitest';
import type { SliceStep } from '../../../src/store/promotion/slicing.ts';
import { copied, newPath, refusal } from '../json/open-store.ts';
import { connected, newSchema, removeSchemas } from '../postgres/schemas.ts';
import { serverUrl } from '../postgres/server.ts';
import { movedSlice, type SliceOrder } from './slices.ts';

const noted: string[] = [];
const note = defineJob({
  name: 'note',
  run: (text: string) => {
    noted.push(text);
    return text;
  },
});
const shout = defineJob({
  name: 'shout',
  run: (text: string) => {
    noted.push(`${text}!`);
  },
});
const ask = defineJob({ name: 'ask', run: (_other: unknown) => null });

afterAll(removeSchemas);

function openBox(store: Store): Promise<Signalbox> {
  return createSignalbox({
    store,
    uuid: '00000000-0000-4000-8000-000000000002',
    jobs: [note, shout, ask],
    queues: [''],
  });
}

/** An order, and a database with jobs that wait: those named by numbers, in this order, and what is added. */
async function waiting(
  count: number,
  limit: number,
  add: (box: Signalbox) => Promise<unknown> = async () => {},
): Promise<SliceOrder & { readonly source: () => Store; readonly target: () => Store }> {
  const place = { connectionString: await serverUrl(), schema: newSchema() };
  const order = { ...place, dir: newPath(), limit };
  const source = (): Store => postgresStore(place);
  const box = await openBox(source());
  await box.queue().putAll(Array.from({ length: count }, (_, number) => note(String(number))));
  await add(box);
  await box.stop();
  return { ...order, source, target: () => jsonStore(order.dir) };
}

/** Arguments of the jobs that wait, in order. */
async function textsIn(store: Store): Promise<readonly unknown[]> {
  const box = await openBox(store);
  const jobs = await box.queue().jobs();
  const texts = jobs.map((job) => job.args[0]);
  await box.stop();
  return texts;
}

/** The processes of the server that wait for one of them: asked until there is one. */
async function blockedBy(client: Client, pid: number): Promise<readonly number[]> {
  for (;;) {
    const { rows } = await client.query(
      'SELECT pid FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))',
      [pid],
    );
    if (rows.length > 0) return rows.map((row) => row.pid);
  }
}

describe('A slice of a queue', { timeout: 60_000 }, () => {
  it('leaves the database and waits in the directory, in its order, and runs there', async () => {
    const order = await waiting(5, 3);

    expect(await movedSlice(order)).toMatchObject({ moved: 3, tied: 0, wasDone: false });

    expect(await textsIn(order.source())).toEqual(['3', '4']);
    expect(await textsIn(order.target())).toEqual(['0', '1', '2']);
    noted.length = 0;
    const box = await openBox(order.target());
    const jobs = await box.queue().jobs();
    await box.start({ pollInterval: '50ms' });
    for (const job of jobs) await job.result();
    await box.stop();
    expect(noted).toEqual(['0', '1', '2']);
  });

  it('keeps ids, annotations, callbacks, quotas and the hour until which a job is held', async () => {
    let [held, annotated, parent]: string[] = [];
    let until: unknown;
    const order = await waiting(0, 10, async (box) => {
      const queue = box.queue();
      await queue.quotas.create('disk', { size: 2 });
      const one = await queue.put(note('held'), { beginAfter: '1h', quotaNames: ['disk'] });
      const two = await queue.put(note('annotated'));
      await two.setAnnotation('colour', 'red');
      const three = await queue.put(note('parent'));
      await three.addCallback(shout.partial());
      [held, annotated, parent] = [String(one.id), String(two.id), String(three.id)];
      until = one.record.beginAfter;
    });

    await movedSlice(order);

    noted.length = 0;
    const box = await openBox(order.target());
    expect((await box.job(held ?? '').refresh()).record).toMatchObject({
      state: 'pending',
      order: ['held', expect.any(Number)],
      beginAfter: until,
      quotaNames: ['disk'],
    });
    expect(await box.queue().quotas.get('disk')).toMatchObject({ size: 2 });
    expect((await box.job(annotated ?? '').refresh()).annotations).toEqual({ colour: 'red' });
    await box.start({ pollInterval: '50ms' });
    await box.job(parent ?? '').waitFor('COMPLETED');
    await box.stop();
    expect(noted).toContain('parent!');
    expect(await textsIn(order.source())).toEqual([]);
  });

  it('keeps the order of callbacks, of whatever kind they are', async () => {
    let parent = '';
    const order = await waiting(0, 10, async (box) => {
      const job = await box.queue().put(note('parent'));
      parent = String(job.id);
      await job.addCallback(note.partial('first'));
      await job.addCallbacks({ success: note.partial('second'), failure: note.partial('never') });
      await job.addCallback(note.partial('third'));
      await job.addCallbacks({ success: note.partial('fourth') });
      await job.addCallback(note.partial('fifth'));
    });

    await movedSlice(order);

    noted.length = 0;
    const box = await openBox(order.target());
    await box.start({ pollInterval: '50ms' });
    await box.job(parent).waitFor('COMPLETED');
    await box.stop();
    expect(noted).toEqual(['parent', 'first', 'second', 'third', 'fourth', 'fifth']);
  });

  it('is moved in commits of a few megabytes, however large its jobs are', async () => {
    const large = 'x'.repeat(900_000);
    const order = await waiting(0, 24, (box) =>
      box.queue().putAll(Array.from({ length: 24 }, () => note(large))),
    );

    expect(await movedSlice({ ...order, atOnce: 500 })).toMatchObject({ moved: 24 });

    const journals = readdirSync(order.dir).filter((file) => file.startsWith('journal-'));
    const lines = journals.flatMap((file) => readFileSync(join(order.dir, file), 'utf8').split('\n'));
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(18_000_000);
  });

  it('is moved once: the same name again changes nothing, another name moves the next ones', async () => {
    const order = await waiting(5, 2);
    await movedSlice(order);

    expect(await movedSlice(order)).toMatchObject({ moved: 2, wasDone: true });
    expect(await textsIn(order.source())).toEqual(['2', '3', '4']);

    expect(await movedSlice({ ...order, name: 'second' })).toMatchObject({ moved: 2, wasDone: false });
    expect(await textsIn(order.source())).toEqual(['4']);
    expect(await textsIn(order.target())).toEqual(['0', '1', '2', '3']);
  });

  it('leaves jobs that name others, and those that are named', async () => {
    const order = await waiting(1, 10, async (box) => {
      const named = await box.queue().put(note('named'));
      await box.queue().put(ask(named));
      await box.queue().put(note('free'));
    });

    expect(await movedSlice(order)).toMatchObject({ moved: 2, tied: 2 });

    expect(await textsIn(order.target())).toEqual(['0', 'free']);
  });

  it('takes along what is added to a job while it is on its way', async () => {
    const order = await waiting(1, 1);
    const box = await openBox(order.source());
    const [job] = await box.queue().jobs();
    let times = 0;

    await movedSlice(order, async (step) => {
      if (step !== 'pulled' && step !== 'arrived') return;
      times += 1;
      if (times > 3) return;
      await job?.addCallback(shout.partial());
      await job?.setAnnotation(`mark ${times}`, times);
    });
    await box.stop();

    const target = await openBox(order.target());
    noted.length = 0;
    const [moved] = await target.queue().jobs();
    expect((await moved?.refresh())?.annotations).toEqual({ 'mark 1': 1, 'mark 2': 2, 'mark 3': 3 });
    await target.start({ pollInterval: '50ms' });
    await moved?.waitFor('COMPLETED');
    await target.stop();
    expect(noted).toEqual(['0', '0!', '0!', '0!']);
  });

  it('takes along what is changed of a job while it is on its way, as it is at the end', async () => {
    const order = await waiting(1, 1);
    const box = await openBox(order.source());
    const [job] = await box.queue().jobs();
    await job?.setAnnotation('colour', 'red');
    await job?.setAnnotation('size', 1);
    const called = await job?.addCallback(shout.partial('old'));
    let times = 0;

    await movedSlice(order, async (step) => {
      if (step !== 'arrived') return;
      times += 1;
      if (times === 1) await job?.setAnnotation('colour', 'green');
      if (times === 2) {
        await job?.setAnnotation('colour', 'blue');
        await job?.setArgs(['new']);
        await called?.setArgs(['later']);
      }
    });
    await box.stop();

    const target = await openBox(order.target());
    noted.length = 0;
    const [moved] = await target.queue().jobs();
    expect((await moved?.refresh())?.annotations).toEqual({ colour: 'blue', size: 1 });
    await target.start({ pollInterval: '50ms' });
    await moved?.waitFor('COMPLETED');
    await target.stop();
    expect(noted).toEqual(['new', 'later!']);
  });

  it('leaves a job where it is that was failed on its way', async () => {
    const order = await waiting(2, 2);
    const box = await openBox(order.source());
    const [job] = await box.queue().jobs();

    const slice = await movedSlice(order, async (step) => {
      if (step === 'pulled') await job?.fail('not wanted');
    });

    expect(slice).toMatchObject({ moved: 1 });
    expect((await job?.refresh())?.record.ending).toBe('failed');
    await box.stop();
    expect(await textsIn(order.target())).toEqual(['1']);
  });

  it.each([
    ['failed', (job: Job<unknown>) => job.fail('not wanted')],
    [
      'put again',
      async (job: Job<unknown>, box: Signalbox) => {
        await box.createQueue('other');
        await box.queue('other').put(job);
      },
    ],
  ] as const)(
    'takes a job out of the directory again that was %s in the database after it had arrived',
    async (_, change) => {
      const order = await waiting(2, 2, async (box) => {
        const [job] = await box.queue().jobs();
        await job?.setAnnotation('colour', 'red');
        await job?.addCallbacks({ success: shout.partial() });
      });
      const box = await openBox(order.source());
      const [job] = await box.queue().jobs();
      let times = 0;

      const slice = await movedSlice(order, async (step) => {
        if (step !== 'arrived' || job === undefined) return;
        times += 1;
        if (times === 1) await change(await job.refresh(), box);
      });

      expect(slice).toMatchObject({ moved: 1 });
      await box.stop();
      expect(await textsIn(order.target())).toEqual(['1']);
      expect((await verifyStore(order.dir)).counts).toMatchObject({ jobs: { NEW: 0 }, annotations: 0 });
    },
  );

  it('goes on after a crash with those that were pulled, when the first of them was put again', async () => {
    const order = await waiting(4, 2);
    const box = await openBox(order.source());
    const [job] = await box.queue().jobs();
    await expect(
      movedSlice(order, (step) => {
        if (step === 'pulled') throw new Error('a crash');
      }),
    ).rejects.toThrow('a crash');
    if (job !== undefined) await box.queue().put(await job.refresh());

    await movedSlice(order);

    await box.stop();
    expect(await textsIn(order.target())).toContain('1');
  });

  it('goes on after a crash with those whose pull the server was still at', async () => {
    const order = await waiting(4, 2);
    const client = await connected();
    const { schema } = order;
    await client.query(
      `CREATE FUNCTION ${schema}.stand() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN PERFORM pg_advisory_xact_lock(hashtext('${schema}')); RETURN NULL; END $$;
       CREATE CONSTRAINT TRIGGER stand AFTER UPDATE ON ${schema}.job DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW WHEN (NEW.parent_system LIKE 'slice-%') EXECUTE FUNCTION ${schema}.stand();
       SELECT pg_advisory_lock(hashtext('${schema}'))`,
    );
    const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
    const first = movedSlice(order, (step) => {
      if (step === 'pulled') throw new Error('a crash');
    }).catch(String);
    const [pid] = await blockedBy(client, rows[0].pid);

    const dir = copied(order.dir);
    const second = movedSlice({ ...order, dir });
    await blockedBy(client, pid ?? 0);
    await client.query(`SELECT pg_advisory_unlock(hashtext('${schema}'))`);

    expect(await first).toBe('Error: a crash');
    expect(await second).toMatchObject({ moved: 2 });
    await client.end();
    expect(await textsIn(jsonStore(dir))).toEqual(['0', '1']);
    expect(await textsIn(order.source())).toEqual(['2', '3']);
  });

  it('is refused for another database than the one where it was begun, which finishes it', async () => {
    const order = await waiting(2, 2);
    const other = await waiting(2, 2);
    const crash = (step: SliceStep): void => {
      if (step === 'pulled') throw new Error('a crash');
    };
    await expect(movedSlice(order, crash)).rejects.toThrow('a crash');

    const error = await refusal(movedSlice({ ...order, schema: other.schema }));
    await movedSlice(order);
    const late = await refusal(movedSlice({ ...order, schema: other.schema }));

    expect(error).toMatchObject({ code: 'SLICE_ELSEWHERE', details: { from: `schema ${order.schema}` } });
    expect(late.code).toBe('SLICE_ELSEWHERE');
    expect(await textsIn(order.target())).toEqual(['0', '1']);
    expect(await textsIn(other.source())).toEqual(['0', '1']);
  });

  it('is refused for a queue that is not there', async () => {
    const order = await waiting(0, 1);
    const box = await openBox(order.target());
    await box.stop();

    const { schema, ...rest } = order;
    expect((await refusal(movedSlice({ ...rest, schema: newSchema() }))).code).toBe('QUEUE_NOT_FOUND');
    expect(schema).not.toBe('');
  });
});
