import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JobView } from '../../../src/inspector/protocol/job.ts';
import type { JobsPage } from '../../../src/inspector/protocol/jobs.ts';
import { type HubStage, hubStage, type Stream, send, turn } from './hub-stage.ts';

let stage: HubStage;

beforeEach(async () => {
  stage = await hubStage();
});
afterEach(async () => {
  stage.hub.end('closed');
  await stage.box.stop();
});

const waiting = 'jobs?list=waiting';

/** Opens a stream that is read as it comes. */
async function watch(topics: readonly string[], before?: Stream): Promise<Stream> {
  const stream = stage.open(topics, before);
  void stream.flow();
  await stage.clock.advance(0);
  return stream;
}

function put(to: string, id?: string) {
  return stage.box.queue('mail').put(send(to), id === undefined ? {} : { id });
}

function rowsOf(stream: Stream): readonly string[] {
  return (stream.data.get(waiting) as JobsPage).rows.map(({ id }) => id);
}

describe('A stream', () => {
  it('begins with where the store is, and all that was asked for', async () => {
    await put('ada@example.org', 'j1');

    const stream = await watch(['hello', waiting, 'jobs/j1']);

    expect(stream.frames.map(({ is }) => is)).toEqual(['hello', 'snapshot', 'snapshot', 'snapshot']);
    expect(stream.frames[0]).toMatchObject({ v: 1, seq: 3, level: 'read', source: 'live' });
    expect(stream.data.get('hello')).toMatchObject({ user: 'mira', level: 'read', store: 'main' });
    expect(rowsOf(stream)).toEqual(['j1']);
  });

  it('brings what is written, as what it changes', async () => {
    await put('ada@example.org', 'j1');
    const stream = await watch([waiting, 'jobs/j1']);

    await put('bo@example.org', 'j2');
    await stage.clock.advance(1000);

    expect(stream.kinds(waiting)).toEqual(['snapshot', 'delta']);
    expect(rowsOf(stream)).toEqual(['j1', 'j2']);
    const deltas = stream.frames.filter((frame) => frame.is === 'delta' && frame.topic === waiting);
    expect(JSON.stringify(deltas)).not.toContain('ada@example.org');
    expect(deltas).toMatchObject([{ seq: [3, 4] }]);
  });

  it('brings what an entry of a job changes on its page within a tenth of a second', async () => {
    await put('ada@example.org', 'j1');
    const stream = await watch(['jobs/j1']);
    const before = (stream.data.get('jobs/j1') as JobView).state;

    await stage.box.start();
    await stage.reactor.advance('1s');
    await stage.clock.advance(100);

    expect([before, (stream.data.get('jobs/j1') as JobView).state]).toEqual(['pending', 'completed']);
  });

  it('brings what a live machine does, which is no entry', async () => {
    await watch([waiting]);
    const without = stage.watchers.size;
    const stream = await watch(['actors']);
    stage.asked.length = 0;

    for (const moved of stage.watchers) moved();
    await stage.clock.advance(100);

    expect([without, stage.watchers.size, stage.asked]).toEqual([0, 1, ['actors']]);
    await stream.close();
    expect(stage.watchers.size).toBe(0);
  });

  it('says why there is no answer, and the answer once there is one', async () => {
    const stream = await watch(['jobs/j1', 'nowhere']);
    const [, unknown, missing] = stream.frames;

    await put('ada@example.org', 'j1');
    await stage.clock.advance(5000);

    expect([unknown, missing]).toMatchObject([
      { is: 'problem', topic: 'nowhere', error: { code: 'NO_SUCH_ROUTE' } },
      { is: 'problem', topic: 'jobs/j1', error: { code: 'JOB_NOT_FOUND' } },
    ]);
    expect(stream.kinds('jobs/j1')).toEqual(['problem', 'snapshot']);
  });

  it('gives a sign of life every 15 seconds, and the newest entry within one', async () => {
    const stream = await watch(['jobs/none']);

    await stage.clock.advance(15_000);
    const quiet = stream.frames.filter(({ is }) => is === 'alive').length;
    await put('ada@example.org');
    await stage.clock.advance(1000);

    expect(quiet).toBe(1);
    expect(stream.frames.at(-1)).toMatchObject({ is: 'alive', seq: 3 });
  });

  it('that comes back where it was gets no snapshot: nothing, or what changed', async () => {
    await put('ada@example.org', 'j1');
    const first = await watch([waiting]);
    await first.close();

    const same = await watch([waiting], first);
    await same.close();
    await put('bo@example.org', 'j2');
    const changed = await watch([waiting], first);

    expect([same.kinds(waiting), changed.kinds(waiting)]).toEqual([[], ['delta']]);
    expect(rowsOf(changed)).toEqual(['j1', 'j2']);
  });

  it('that comes back to another process gets all of it', async () => {
    await put('ada@example.org', 'j1');
    const first = await watch([waiting]);

    first.positions[waiting] = first.positions[waiting]?.replace('e1', 'e0') ?? '';
    const other = await watch([waiting], first);

    expect(other.kinds(waiting)).toEqual(['snapshot']);
  });

  it('says goodbye when the box stops', async () => {
    const stream = await watch([waiting]);

    await stage.box.stop();
    await turn();

    expect([stream.frames.at(-1), stream.isEnded]).toEqual([{ is: 'bye', why: 'stopped' }, true]);
  });

  it('asks its page after a quarter of an hour to come again: who may look is decided anew', async () => {
    const stream = await watch([waiting]);

    await stage.clock.advance(16 * 60_000);

    expect([stream.frames.at(-1), stream.isEnded]).toEqual([{ is: 'bye', why: 'again' }, true]);
  });
});

describe('A hub', () => {
  it('follows nothing and waits for nothing while no page is open', async () => {
    expect([stage.clock.timers, stage.followers()]).toEqual([0, 0]);
    const stream = await watch([waiting, 'overview']);
    expect([stage.clock.timers, stage.followers()]).toEqual([1, 1]);

    await stream.close();

    await put('ada@example.org');
    await stage.clock.advance(60_000);
    expect([stage.clock.timers, stage.followers(), stage.asked.length]).toEqual([0, 0, 2]);
  });

  it('answers a question once for all who ask it', async () => {
    const streams = [await watch([waiting]), await watch([waiting]), await watch([waiting])];

    await put('ada@example.org', 'j1');
    await stage.clock.advance(500);

    expect(stage.asked).toEqual(['jobs', 'jobs']);
    expect(streams.map(rowsOf)).toEqual([['j1'], ['j1'], ['j1']]);
  });

  it('answers a list at most twice a second, however much is written', async () => {
    await watch([waiting]);
    stage.asked.length = 0;

    for (let step = 0; step < 100; step += 1) {
      await put(`${step}@example.org`);
      await stage.clock.advance(100);
    }

    expect(stage.asked.length).toBeLessThanOrEqual(20);
  });

  it('does not ask about a job that is over for what others do, but for what time changes', async () => {
    await put('ada@example.org', 'j1');
    await stage.box.start();
    await stage.reactor.advance('1s');
    await watch(['jobs/j1']);
    stage.asked.length = 0;

    for (let step = 0; step < 40; step += 1) {
      await put(`${step}@example.org`);
      await stage.clock.advance(100);
    }
    const early = stage.asked.length;
    await stage.clock.advance(1000);

    expect([early, stage.asked.length]).toEqual([0, 1]);
  });

  it('sees what time alone changes after five seconds, and asks once of what is over', async () => {
    await put('ada@example.org', 'j1');
    const stream = await watch(['overview', 'jobs/j1?at=3']);
    await put('bo@example.org', 'j2');

    await stage.clock.advance(10_000);

    expect(stage.asked.filter((path) => path === 'past jobs/:id')).toHaveLength(1);
    expect(stage.asked.filter((path) => path === 'overview').length).toBeGreaterThanOrEqual(3);
    expect(stream.data.get('jobs/j1?at=3')).toMatchObject({ id: 'j1', state: 'pending' });
    expect(stream.kinds('jobs/j1?at=3')).toEqual(['snapshot']);
  });

  it('keeps nothing waiting for a moment that takes long to read', async () => {
    let opens = (): void => {};
    stage.gate.opened = new Promise((resolve) => {
      opens = resolve;
    });
    await put('ada@example.org', 'j1');
    const stream = await watch(['jobs/j1?at=3', waiting]);
    const first = [...stream.data.keys()];

    opens();
    await stage.clock.advance(0);

    expect([first, [...stream.data.keys()]]).toEqual([[waiting], [waiting, 'jobs/j1?at=3']]);
  });

  it.each([2, 10, 40])('costs at most 3.3 % of the time at %i ms an answer', async (costMs) => {
    for (const path of ['jobs', 'overview']) stage.costMs.set(path, [costMs, costMs]);
    await watch([waiting, 'overview', 'jobs?list=failed']);
    stage.asked.length = 0;
    const began = stage.clock.now();

    for (let step = 0; step < 300; step += 1) {
      await put(`${step}@example.org`);
      await stage.clock.advance(100);
    }

    expect(stage.asked.length).toBeGreaterThan(5);
    const overviews = stage.asked.filter((path) => path === 'overview').length;
    expect(Math.abs(overviews / stage.asked.length - 1 / 3)).toBeLessThan(0.1);
    expect((stage.asked.length * costMs) / (stage.clock.now() - began)).toBeLessThanOrEqual(0.033);
  });

  it('waits little for answers that only wait, as those of a database do', async () => {
    stage.costMs.set('jobs', [200, 5]);
    await watch([waiting]);
    stage.asked.length = 0;
    const began = stage.clock.now();

    for (let step = 0; step < 100; step += 1) {
      await put(`${step}@example.org`);
      await stage.clock.advance(100);
    }

    const share = (stage.asked.length * 200) / (stage.clock.now() - began);
    expect([share > 0.2, share <= 0.25]).toEqual([true, true]);
  });

  it('answers once a second at over 2,000 entries a second', async () => {
    await watch([waiting]);
    stage.asked.length = 0;

    for (let step = 0; step < 100; step += 1) {
      await stage.box.queue('mail').putAll(Array.from({ length: 250 }, () => send('ada@example.org')));
      await stage.clock.advance(100);
    }

    expect(stage.asked.length).toBeLessThanOrEqual(11);
  });

  it('has room for eight streams', async () => {
    for (let count = 0; count < 8; count += 1) await watch(['hello']);

    expect(stage.hub.isFull).toBe(true);
  });
});

describe('A page that does not read', () => {
  const lists = [200, 199, 198, 197, 196, 195].map((limit) => `jobs?list=waiting&limit=${limit}`);

  beforeEach(async () => {
    await stage.box.queue('mail').putAll(Array.from({ length: 200 }, () => send('ada@example.org')));
  });

  it('costs bounded memory and no answers, learns that there is a gap, and then has all of it', async () => {
    const paused = stage.open(lists);
    await stage.clock.advance(0);
    stage.asked.length = 0;
    for (let step = 0; step < 30; step += 1) {
      await put(`${step}@example.org`);
      await stage.clock.advance(1000);
    }
    const asked = stage.asked.length;

    void paused.flow();
    await turn();
    await stage.clock.advance(20_000);

    const gap = paused.frames.findIndex(({ is }) => is === 'gap');
    const before = JSON.stringify(paused.frames.slice(0, gap)).length;
    expect(asked).toBe(0);
    expect([gap > 0, before < 400_000]).toEqual([true, true]);
    expect(paused.frames[gap]).toMatchObject({ topic: lists[0], from: 202, to: 232, why: 'slow' });
    expect(lists.map((topic) => (paused.data.get(topic) as JobsPage).counts.waiting.n)).toEqual(
      lists.map(() => 230),
    );
    expect(paused.kinds(lists[0] ?? '').slice(0, 3)).toEqual(['snapshot', 'gap', 'snapshot']);
  });

  it('for a moment only is led over it by one difference', async () => {
    const paused = stage.open(lists);
    await stage.clock.advance(0);
    await put('bo@example.org');
    await stage.clock.advance(2000);

    void paused.flow();
    await turn();
    await stage.clock.advance(3000);

    expect(paused.kinds(lists[0] ?? '').slice(0, 2)).toEqual(['snapshot', 'delta']);
    expect(paused.frames.filter(({ is }) => is === 'gap')).toEqual([]);
  });

  it('for a minute gives its place to others', async () => {
    stage.open(lists);
    await stage.clock.advance(90_000);

    expect([stage.clock.timers, stage.followers()]).toEqual([0, 0]);
  });
});
