import { inspect } from 'node:util';
import { agent, defineCondition, defineJob, Failure, type Job } from 'signalbox';
import { expect, it } from 'vitest';
import { forEachStore, makeBox } from './stores.ts';

const uuid = '00000000-0000-4000-8000-000000000001';
const note = defineJob({ name: 'note', run: (text: string) => text });
const seen = defineJob({ name: 'seen', run: (input: string | Failure) => String(input) });
const login = defineJob({
  name: 'login',
  redact: ['0', 'result.key'],
  run: (pin: string) => ({ key: pin, user: 'Ada', password: pin }),
});
const refuse = defineJob({
  name: 'refuse',
  redact: ['0'],
  failureLogLevel: 'DEBUG',
  run: (pin: string) => {
    throw Object.assign(new TypeError(`wrong: ${pin}`), { code: 'E_PIN' });
  },
});

forEachStore('What console.log and JSON.stringify show', (makeStore) => {
  const makeTestBox = () =>
    makeBox({ store: makeStore(), jobs: [note, login, refuse], queues: ['', 'mail'], uuid });

  it('of a job is its id, name, status, queue and outcome, as the handle knows them', async () => {
    const { box } = await makeTestBox();
    const draft = note('x');
    const before = JSON.stringify(draft);
    const job = await box.queue('mail').put(draft, { id: 'n1' });
    const waiting = inspect(job);
    await box.start();
    await job.result();

    expect(JSON.parse(before)).toEqual({ id: null, name: 'note', status: 'NEW', queue: null, outcome: null });
    expect(waiting).toBe(
      "Job {\n  id: 'n1',\n  name: 'note',\n  status: 'PENDING',\n  queue: 'mail',\n  outcome: null\n}",
    );
    await job.refresh();
    expect(JSON.parse(JSON.stringify({ job }))).toEqual({
      job: { id: 'n1', name: 'note', status: 'COMPLETED', queue: 'mail', outcome: { ok: true, value: 'x' } },
    });
  });

  it('of a job by id that has not been asked for is UNKNOWN, and asks the store nothing', async () => {
    const { box } = await makeTestBox();
    await box.queue().put(note('x'), { id: 'n1' });

    const job = box.job('n1');

    expect(job.status).toBe('UNKNOWN');
    expect(JSON.parse(JSON.stringify(job))).toEqual({
      id: 'n1',
      name: null,
      status: 'UNKNOWN',
      queue: null,
      outcome: null,
    });
    expect(inspect(job)).toContain("status: 'UNKNOWN'");
    expect((await job.refresh()).status).toBe('PENDING');
    expect(box.job('none').status).toBe('UNKNOWN');
  });

  it('hides what the logs hide: redacted parts of results and failures', async () => {
    const { box } = await makeTestBox();
    await box.start();
    const done = await box.queue().put(login('pin-1234'));
    const failed = await box.queue().put(refuse('pin-5678'));
    await done.result();
    await failed.result().catch(() => {});

    const texts = [done, failed].flatMap((job: Job<unknown>) => [inspect(job), JSON.stringify(job)]);

    expect(texts.join('\n')).not.toMatch(/pin-/);
    expect(JSON.parse(texts[1] ?? '').outcome).toEqual({
      ok: true,
      value: { key: '[redacted]', user: 'Ada', password: '[redacted]' },
    });
    expect(JSON.parse(texts[3] ?? '').outcome).toEqual({
      ok: false,
      failure: { name: 'TypeError', message: 'wrong: [redacted]', code: 'E_PIN' },
    });
  });

  it('of a box, its dispatcher, a queue, a representation and an agent are state and counts', async () => {
    const { box, stop } = await makeTestBox();
    const dispatcher = await box.start({ agent: agent({ size: 2, filter: { args: { '0': 'pin-1234' } } }) });
    const representation = await box.queue('mail').dispatchers.get(uuid);
    const main = await representation.agents.get('main');

    const store = box.store.name;
    const works = { uuid, status: 'RUNNING', pollInterval: 5000, polls: 1, activeJobs: 0 };
    const shown = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
    expect(shown(dispatcher)).toMatchObject(works);
    expect(shown(box)).toMatchObject({
      state: 'running',
      uuid,
      store,
      definitions: 3,
      dispatchers: [works],
    });
    expect(shown(box.queue('mail'))).toEqual({ name: 'mail', store });
    expect(shown(representation)).toMatchObject({ uuid, queue: 'mail', state: 'activated', dead: false });
    expect(shown(main)).toEqual({
      name: 'main',
      queue: 'mail',
      dispatcher: uuid,
      size: 2,
      selection: 'filter args: 0',
      pinned: false,
      paused: null,
      executor: 'inline',
      failure: null,
    });
    const printed = [box, dispatcher, box.queue(), representation, main].map((value) => inspect(value));
    expect(printed.map((text) => text.slice(0, text.indexOf('{')))).toEqual([
      'Signalbox ',
      'Dispatcher ',
      'Queue ',
      'Representation ',
      'AgentHandle ',
    ]);
    expect(printed.join('\n')).not.toContain('pin-1234');
    expect(printed.join('\n').length).toBeLessThan(1500);
    await stop();
    expect(shown(box)).toMatchObject({ state: 'stopped', dispatchers: [{ status: 'STOPPED' }] });
    expect(inspect([box, dispatcher])).toContain("state: 'stopped'");
  });

  it('of a callback proxy are its callbacks by condition, and which was chosen', async () => {
    const isShort = defineCondition('isShort', (input) => !(input instanceof Failure));
    const { box } = await makeBox({
      store: makeStore(),
      jobs: [note, seen],
      conditions: [isShort],
      queues: [''],
    });
    const job = note('x');
    const proxy = await job.addConditionalCallbacks([[isShort, seen]]);
    const draft = JSON.parse(JSON.stringify(proxy));
    await box.queue().put(job);
    await box.start();
    await job.waitFor('COMPLETED');
    const [stored] = await job.callbacks();

    expect(draft).toMatchObject({
      id: null,
      branches: { isShort: { name: 'seen', status: 'NEW' } },
      chosen: null,
    });
    expect(JSON.parse(JSON.stringify(stored))).toMatchObject({
      branches: { isShort: { name: 'seen', status: 'COMPLETED', outcome: { ok: true, value: 'x' } } },
      otherwise: null,
      chosen: expect.any(String),
    });
    expect(inspect(proxy)).toMatch(/^CallbackProxy \{/);
  });

  it('names its class, so that a test runner that shows a difference does not copy it', async () => {
    const { box } = await makeTestBox();
    const shown = [box, note('x'), box.queue('mail')].map((each) => Object.prototype.toString.call(each));

    expect(shown).toEqual(['[object Signalbox]', '[object Job]', '[object Queue]']);
  });
});
