import { agent, createSignalbox, defineJob, memoryStore, type Signalbox } from 'signalbox';
import { createInspector, type InspectorOptions, type Level, readInspector } from 'signalbox/inspector';
import { VirtualReactor } from 'signalbox/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ActionRequest } from '../../src/inspector/protocol/actions.ts';
import { journalView } from '../../src/inspector/views/timeline/journal-view.ts';
import { length } from '../actors/machines.ts';

const send = defineJob({ name: 'mail.send', run: (to: string) => `sent to ${to}` });

let box: Signalbox;
let reactor: VirtualReactor;
const ends: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  reactor = new VirtualReactor();
  box = await createSignalbox({
    store: memoryStore(),
    reactor,
    jobs: [send],
    machines: [length],
    queues: ['mail'],
  });
  reactor.attach(box);
  ends.push(() => box.stop());
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Answered {
  readonly status: number;
  readonly code: string | undefined;
  readonly text: string | undefined;
  readonly job: string | null | undefined;
  readonly count: number | null | undefined;
}

async function listening(options: InspectorOptions, reader = false) {
  const inspector = reader ? readInspector(box.store, options) : createInspector(box, options);
  const { url, close } = await inspector.listen();
  ends.push(close);
  const { origin, hash } = new URL(url);
  const authorization = `Bearer ${hash.slice('#t='.length)}`;
  const post = async (body: string, more: Record<string, string> = {}): Promise<Answered> => {
    const response = await fetch(`${origin}/api/v1/actions`, {
      method: 'POST',
      body,
      headers: { origin, authorization, 'content-type': 'application/json', 'x-signalbox': '1', ...more },
    });
    const { data, error } = (await response.json()) as {
      data?: { text: string; job: string | null; count: number | null };
      error?: { code: string };
    };
    const { text, job, count } = data ?? {};
    return { status: response.status, code: error?.code, text, job, count };
  };
  const act = (action: string, target: string, more: Partial<ActionRequest> = {}): Promise<Answered> =>
    post(JSON.stringify({ key: `${action} ${target} ${Math.random()}`, action, target, ...more }));
  const actions = async (): Promise<readonly string[]> => {
    const response = await fetch(`${origin}/api/v1/hello`, { headers: { authorization } });
    return ((await response.json()) as { data: { actions: readonly string[] } }).data.actions;
  };
  return { post, act, actions };
}

const put = async (): Promise<string> => (await box.queue('mail').put(send('ann'))).id ?? '';

const ended = async (): Promise<string> => {
  const id = await put();
  await box.job(id).cancel();
  return id;
};

describe('What people do in the inspector', () => {
  const all = [
    ...['cancel', 'pause', 'resume', 'pauseAgent', 'resumeAgent', 'retry', 'bulk'],
    ...['pauseSchedule', 'resumeSchedule', 'triggerSchedule'],
    ...['suspendActor', 'resumeActor', 'skipActor', 'stopActor'],
  ];
  const reversible = all.filter((action) => !['cancel', 'bulk', 'skipActor', 'stopActor'].includes(action));

  it.each<[Level, readonly string[]]>([
    ['read', []],
    ['operate', reversible],
    ['admin', all],
  ])('gets, with level %s, exactly the actions of that level', async (level, allowed) => {
    await box.start({ agent: agent({ size: 1, filter: { jobs: ['none'] } }) });
    const id = await put();
    const { act, actions } = await listening({ level });
    const targets: Record<string, string> = {
      ...{ cancel: id, pause: 'mail', resume: 'mail', retry: await ended(), bulk: 'cancel' },
      ...{ pauseSchedule: 'mail/daily', resumeSchedule: 'mail/daily', triggerSchedule: 'mail/daily' },
      ...{ suspendActor: 'length/1', resumeActor: 'length/1', stopActor: 'length/2', skipActor: 'length/3' },
      ...{ pauseAgent: `mail/${box.uuid}/main`, resumeAgent: `mail/${box.uuid}/main` },
    };

    expect(await actions()).toEqual(allowed);
    for (const key of ['1', '2', '3']) await box.actor(length, key).start();
    await box.actor(length, '3').suspend('later');
    const statuses: Record<string, number> = {};
    await box.queue('mail').schedules.set('daily', { every: '1d' }, send('bob'));
    for (const action of all) {
      const many = action === 'bulk' ? { filter: {}, seen: null } : null;
      statuses[action] = (await act(action, targets[action] ?? '', { many })).status;
    }

    expect(statuses).toEqual(
      Object.fromEntries(all.map((name) => [name, allowed.includes(name) ? 200 : 403])),
    );
  });

  it('needs a level that the program gives: by itself an inspector only shows', async () => {
    const id = await put();
    const { act, actions } = await listening({});

    expect(await actions()).toEqual([]);
    expect(await act('cancel', id)).toMatchObject({ status: 403, code: 'LEVEL_REFUSED' });
    expect((await box.job(id).refresh()).status).toBe('PENDING');
  });

  it('cancels a job under the name of the person, with the reason', async () => {
    const id = await put();
    const { act } = await listening({ authorize: () => ({ user: 'mira', level: 'admin' }) });

    const answer = await act('cancel', id, { reason: 'wrong month' });

    expect(answer).toMatchObject({ status: 200, code: undefined, text: 'It is cancelled.' });
    expect((await box.job(id).refresh()).record.stop).toMatchObject({ by: 'mira', reason: 'wrong month' });
    const asked = { from: null, before: null, limit: 5, text: 'event:operator.acted' };
    expect((await journalView(box.store, asked)).lines.map(({ note }) => note)).toEqual([
      `mira: cancel ${id}, wrong month`,
    ]);
  });

  it('pauses and resumes definitions of a queue, and says what it changed', async () => {
    const { act } = await listening({ level: 'operate' });

    await act('pause', 'mail', { job: 'mail.*' });

    expect(await box.queue('mail').pauses()).toMatchObject([{ job: 'mail.*', by: 'local' }]);
    expect((await act('resume', 'mail')).text).toBe('It was not paused any more: nothing was changed.');
    expect((await act('resume', 'mail', { job: 'mail.*' })).text).toBe('It goes on.');
    expect(await box.queue('mail').pauses()).toEqual([]);
  });

  it('puts an ended job again, and says which job that is', async () => {
    const id = await ended();
    const { act } = await listening({ level: 'operate' });

    const { job } = await act('retry', id);

    expect((await box.job(job ?? '').refresh()).record.origin).toEqual({ retryOf: id });
  });

  it('pauses, resumes and triggers a schedule', async () => {
    await box.queue('mail').schedules.set('daily', { every: '1d' }, send('bob'));
    const { act } = await listening({ authorize: () => ({ user: 'mira', level: 'operate' }) });

    await act('pauseSchedule', 'mail/daily', { reason: 'holidays' });
    const [paused] = await box.queue('mail').schedules.list();
    const { text } = await act('resumeSchedule', 'mail/daily');
    const { job } = await act('triggerSchedule', 'mail/daily');

    expect(paused?.paused).toMatchObject({ by: 'mira', reason: 'holidays' });
    expect(text).toBe('It goes on.');
    expect((await box.job(job ?? '').refresh()).name).toBe('mail.send');
  });

  it('does something to all jobs of a filter, once they are still as many as the person saw', async () => {
    await box.start();
    await box.queue('mail').pause({ job: 'mail.*' });
    await box.queue('mail').putAll(Array.from({ length: 30 }, (_, n) => send(`${n}`)));
    const { act } = await listening({ level: 'admin' });
    const filter = { job: 'mail.*', status: 'PENDING' };

    const counted = await act('bulk', 'cancel', { many: { filter, seen: null } });
    const tooFew = await act('bulk', 'cancel', { many: { filter, seen: 20 } });
    const other = await act('bulk', 'drop', { many: { filter, seen: 30 } });
    expect(counted).toMatchObject({ status: 200, count: 30, job: null });
    expect([tooFew, other].map(({ status, code }) => [status, code])).toEqual([
      [400, 'INVALID_OPTION'],
      [400, 'INVALID_OPTION'],
    ]);
    expect(await box.queue('mail').length()).toBe(30);

    const { job } = await act('bulk', 'cancel', { many: { filter, seen: 30 } });
    await reactor.runUntilIdle();
    expect((await box.job(job ?? '').refresh()).name).toBe('signalbox.bulk');
    expect(await box.queue('mail').length()).toBe(0);
  });

  it('is done once with the same key', async () => {
    const id = await put();
    const { post } = await listening({ level: 'admin' });
    const body = JSON.stringify({ key: 'k1', action: 'cancel', target: id });

    const answers = [await post(body), await post(body)];

    expect(answers.map(({ text }) => text)).toEqual(['It is cancelled.', 'It is cancelled.']);
    expect(
      (await journalView(box.store, { from: null, before: null, limit: 50, text: 'event:operator.acted' }))
        .lines,
    ).toHaveLength(1);
  });

  it.each([
    ['cancel', 'nowhere', 404, 'JOB_NOT_FOUND'],
    ['pause', 'nowhere', 404, 'QUEUE_NOT_FOUND'],
    ['pauseAgent', 'mail/UUID/none', 404, 'AGENT_NOT_FOUND'],
    ['pauseAgent', 'mail', 400, 'INVALID_OPTION'],
  ])('is refused for %s of %s', async (action, target, status, code) => {
    const { act } = await listening({ level: 'admin' });

    expect(await act(action, target.replace('UUID', box.uuid))).toMatchObject({ status, code });
  });

  it.each([
    '',
    '[]',
    'null',
    '{"action":"cancel","target":"j"}',
    '{"key":"k","action":"drop","target":"j"}',
    '{"key":"k","action":"toString","target":"j"}',
    '{"key":"k","action":"cancel","target":7}',
    '{"key":"k","action":"cancel","target":"j","reason":7}',
    '{"key":"k","action":"bulk","target":"cancel"}',
    '{"key":"k","action":"bulk","target":"cancel","many":7}',
    '{"key":"k","action":"bulk","target":"cancel","many":{"filter":null,"seen":null}}',
    '{"key":"k","action":"bulk","target":"cancel","many":{"filter":{},"seen":"many"}}',
    '{"key":"k","action":"cancel","target":"j","many":{"filter":{},"seen":null}}',
  ])('is refused for the body %s', async (body) => {
    const { post } = await listening({ level: 'admin' });

    expect(await post(body)).toMatchObject({ status: 400, code: 'ACTION_EXPECTED' });
  });

  it('is refused for bad input before anything is written', async () => {
    const id = await put();
    const { act } = await listening({ level: 'admin' });
    const { seq } = await box.store.position();

    expect(await act('cancel', id, { reason: 'x'.repeat(1001) })).toMatchObject({ code: 'INVALID_OPTION' });
    expect(await act('cancel', id, { key: '' })).toMatchObject({ status: 400, code: 'INVALID_OPTION' });

    expect((await box.store.position()).seq).toBe(seq);
  });

  it.each([
    ['another origin', { origin: 'http://evil.example' }, 403],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['a page that cannot set a header', { 'x-signalbox': '' }, 403],
    ['one without the token', { authorization: '' }, 401],
  ])('is refused to %s', async (_, headers, status) => {
    const id = await put();
    const { post } = await listening({ level: 'admin' });

    const answer = await post(JSON.stringify({ key: 'k1', action: 'cancel', target: id }), headers);

    expect(answer.status).toBe(status);
    expect((await box.job(id).refresh()).status).toBe('PENDING');
  });

  it('is nothing in a store that is read without its process', async () => {
    const id = await put();
    const { act, actions } = await listening({ level: 'admin' }, true);

    expect(await actions()).toEqual([]);
    expect(await act('cancel', id)).toMatchObject({ status: 409, code: 'READ_ONLY' });
  });
});
