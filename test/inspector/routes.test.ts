import { createSignalbox, defineJob, defineMachine, memoryStore, type Signalbox } from 'signalbox';
import { createInspector } from 'signalbox/inspector';
import { VirtualReactor } from 'signalbox/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';

const canary = 'canary-4111-1111';
const charge = defineJob({
  name: 'charge',
  redact: ['0.card', 'result.token', 'failure'],
  retry: { maxAttempts: 2, delay: '1h' },
  run: (order: { readonly card: string; readonly fails: boolean }) => {
    if (order.fails) throw new Error(`refused ${order.card}`);
    return { token: order.card };
  },
});

const vault = defineMachine(
  setup({
    types: {
      input: {} as { card: string },
      context: {} as { card: string },
      output: {} as { card: string },
      events: {} as { type: 'keep' | 'end'; card: string },
    },
    actions: { keep: assign({ card: ({ event }) => event.card }) },
  }).createMachine({
    ...{ id: 'vault', version: '1', initial: 'open' },
    context: ({ input }) => ({ card: input.card }),
    states: {
      open: { on: { keep: { actions: 'keep' }, end: 'over' }, after: { 60000000: 'over' } },
      over: { type: 'final' },
    },
    output: ({ context }) => ({ card: context.card }),
  }),
  { redact: ['card'] },
);

let box: Signalbox;
let reactor: VirtualReactor;

beforeEach(async () => {
  reactor = new VirtualReactor();
  box = await createSignalbox({
    store: memoryStore(),
    reactor,
    jobs: [charge],
    machines: [vault],
    queues: ['bank'],
  });
  reactor.attach(box);
});
afterEach(() => box.stop());

function get(path: string, headers: Record<string, string> = {}): Promise<Response> {
  const url = `http://127.0.0.1/api/v1/${path}`;
  return createInspector(box).fetch(new Request(url, { headers }));
}

async function data(path: string): Promise<unknown> {
  return ((await (await get(path)).json()) as { data: unknown }).data;
}

describe('The inspector answers', () => {
  it('what a job does, and why, as of an entry of the journal', async () => {
    const job = await box.queue('bank').put(charge({ card: canary, fails: false }));

    const answer = (await (await get(`jobs/${job.id}`)).json()) as { seq: number; data: object };

    expect(answer.seq).toBe((await box.store.position()).seq);
    expect(answer.data).toMatchObject({
      name: 'charge',
      status: 'PENDING',
      queue: 'bank',
      explanation: { verdict: { code: 'dispatchers' } },
    });
    expect(await data(`explain/${job.id}`)).toMatchObject({ verdict: { code: 'dispatchers' } });
    expect(await data(`jobs/${job.id}/history`)).toMatchObject({ lines: [{ event: 'job.put' }] });
  });

  it('that nothing has changed, until something has', async () => {
    const job = await box.queue('bank').put(charge({ card: canary, fails: false }));
    const first = await get(`jobs/${job.id}`);
    const etag = first.headers.get('etag') ?? '';

    const same = await get(`jobs/${job.id}`, { 'if-none-match': etag });
    await box.queue('bank').put(charge({ card: canary, fails: false }));
    const changed = await get(`jobs/${job.id}`, { 'if-none-match': etag });
    const later = changed.headers.get('etag') ?? '';
    reactor.setNow(reactor.now() + 60_000);
    const byTime = await get(`jobs/${job.id}`, { 'if-none-match': later });

    expect([same.status, changed.status, byTime.status]).toEqual([304, 200, 200]);
    expect([await same.text(), same.headers.get('x-signalbox-at')]).toEqual([
      '',
      first.headers.get('x-signalbox-at'),
    ]);
  });

  it('which jobs may have been meant, when there is none of an id', async () => {
    const { id = '' } = await box.queue('bank').put(charge({ card: canary, fails: false }));

    const answer = await get(`jobs/${id?.slice(0, 6)}`);

    expect([answer.status, await answer.json()]).toEqual([
      404,
      { error: expect.objectContaining({ code: 'JOB_NOT_FOUND', nearest: [id] }) },
    ]);
  });

  it.each(['jobs?list=waiting', 'jobs?list=everything&limit=1e9&after=%00', 'jobs?queue=none', 'overview'])(
    'to %s without an error of its own',
    async (path) => {
      expect((await get(path)).status).toBeLessThan(500);
    },
  );

  it('with an error that has a code where there is nothing', async () => {
    const answer = await get('none');

    expect([answer.status, await answer.json()]).toEqual([
      404,
      { error: expect.objectContaining({ code: 'NO_SUCH_ROUTE' }) },
    ]);
  });

  it('what waits in the queue without a name, and that there is no other of a name', async () => {
    await box.createQueue('');
    await box.queue().put(charge({ card: canary, fails: false }));

    const found = await get('queues/');
    const none = await get('queues/none');

    expect([found.status, await found.json()]).toEqual([
      200,
      {
        seq: expect.any(Number),
        at: expect.any(Number),
        data: expect.objectContaining({ name: '', lines: { putBack: 0, now: 1, held: 0 } }),
      },
    ]);
    expect([none.status, await none.json()]).toEqual([
      404,
      { error: expect.objectContaining({ code: 'QUEUE_NOT_FOUND' }) },
    ]);
  });

  it('that there is no chart of a name', async () => {
    const answer = await get('machines/none');

    expect([answer.status, await answer.json()]).toEqual([
      404,
      { error: expect.objectContaining({ code: 'NO_SUCH_MACHINE' }) },
    ]);
  });

  it('and hides what a definition hides, in every route', async () => {
    await box.start();
    const queue = box.queue('bank');
    const paid = await queue.put(charge({ card: canary, fails: false }));
    const refused = await queue.put(charge({ card: canary, fails: true }));
    await queue.schedules.set('nightly', { every: '1h', maxRuns: 2 }, charge({ card: canary, fails: false }));
    await reactor.advance('3h');
    const waiting = await queue.put(charge({ card: canary, fails: true }), { beginAfter: '1d' });
    const asked = await queue.put(box.actor(vault, 'a').job({ type: 'keep', card: canary }), {
      beginAfter: '1d',
    });
    const actors = ['a', 'b'].map((key) => box.actor(vault, key));
    for (const actor of actors) {
      await actor.start({ card: canary });
      await actor.send({ type: 'keep', card: canary });
    }
    await box.operate({ user: 'ada' }).suspendActor('vault/a');
    await box.transaction((tx) => tx.actor(vault, 'a').send({ type: 'keep', card: canary }));
    await actors[1]?.send({ type: 'end', card: canary });
    const ids = [paid, refused, waiting, asked].map(({ id }) => id);
    const told: number[] = [];
    for await (const { seq, event } of box.store.entries(1)) if (event !== 'ping') told.push(seq);
    const { seq: newest } = await box.store.position();
    const now = [
      'hello',
      'timebar',
      'overview',
      'queues',
      'queues/bank',
      'schedules',
      `schedules/${encodeURIComponent('bank/nightly')}`,
      'durable',
      ...['vault/a', 'vault/b'].map((id) => `durable/${encodeURIComponent(id)}`),
      'machines',
      ...['job', 'representation', 'agent'].map((name) => `machines/${name}`),
      ...[
        'active.running|job.finish|isAwaited|callbacks',
        'active.running|job.reschedule|not isCallback|pending',
        'active.running|job.finish||callbacks',
      ].map((edge) => `machines/job?edge=${encodeURIComponent(edge)}`),
      ...['waiting', 'held', 'failed', 'ended'].map((list) => `jobs?list=${list}`),
      `actors?open=agent:bank/${box.uuid}/main`,
      ...['supervisor', `dispatcher:${box.uuid}`, `agent:bank/${box.uuid}/main`].map(
        (id) => `actors/${encodeURIComponent(id)}`,
      ),
      ...ids.flatMap((id) => [`jobs/${id}`, `jobs/${id}/history`, `explain/${id}`, `sequence/${id}`]),
      ...['', '?from=1&limit=500', `?text=${canary}`, `?kind=job&queue=bank`].map(
        (query) => `journal${query}`,
      ),
      ...told.map((seq) => `journal/${seq}`),
      'lanes',
      `lanes?from=2&to=9&text=task:char*`,
    ];
    // What is hidden now is hidden at an earlier moment as well.
    const paths = [...now, ...now.map((path) => `${path}${path.includes('?') ? '&' : '?'}at=${newest}`)];

    const answers = await Promise.all(
      paths.map(async (path) => [path, await (await get(path)).text()] as const),
    );

    expect(answers.filter(([, text]) => !text.startsWith('{"seq":'))).toEqual([]);
    expect(answers.filter(([, text]) => text.includes(canary)).map(([path]) => path)).toEqual([]);
  });
});
