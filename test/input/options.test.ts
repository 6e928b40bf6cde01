import {
  commonRetryPolicy,
  createSignalbox,
  Dispatcher,
  defineJob,
  handleSignals,
  installAgent,
  local,
  memoryStore,
  parallel,
  type Signalbox,
} from 'signalbox';
import { migratePostgres, verifyPostgres } from 'signalbox/postgres';
import {
  createTestBox,
  drain,
  echoLog,
  getPoll,
  putInline,
  simulate,
  tearDownBox,
  waitForAnnotation,
  waitForDeactivation,
  waitForResult,
  waitForStart,
} from 'signalbox/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { closeBoxes, errorOf, keep, openBox } from './boxes.ts';

afterEach(closeBoxes);

/** Casts a value that a signature forbids: a program without types may pass it. */
const wrong = (value: unknown): never => value as never;

const plain = defineJob({ name: 'plain', run: () => 1 });

/** Every call that takes options, called with another value instead. */
const calls: Readonly<Record<string, (box: Signalbox, options: never) => unknown>> = {
  createSignalbox: (_, options) => createSignalbox(options),
  memoryStore: (_, options) => memoryStore(options),
  start: (box, options) => box.start(options),
  stop: (box, options) => box.stop(options),
  put: (box, options) => box.queue().put(keep(1), options),
  putAll: (box, options) => box.queue().putAll([keep(1)], options),
  'quotas.create': (box, options) => box.queue().quotas.create('few', options),
  result: async (box, options) => (await box.queue().put(keep(1))).result(options),
  waitFor: async (box, options) => (await box.queue().put(keep(1))).waitFor('ACTIVE', options),
  addCallback: (_, options) => keep(1).addCallback(plain, options),
  addCallbacks: (_, options) => keep(1).addCallbacks(options),
  addConditionalCallbacks: (_, options) => keep(1).addConditionalCallbacks([], options),
  with: (_, options) => keep(1).with(options),
  parallel: (_, options) => parallel([], options),
  Dispatcher: (box, options) => new Dispatcher(box, options),
  handleSignals: (box, options) => handleSignals(box, options),
  installAgent: (box, options) => installAgent(box, options),
  commonRetryPolicy: (_, options) => commonRetryPolicy(options),
  simulate: (_, options) => simulate(options),
  waitForStart: async (box, options) => waitForStart(await box.queue().put(keep(1)), options),
  waitForResult: async (box, options) => waitForResult(await box.queue().put(keep(1)), options),
  waitForAnnotation: async (box, options) => waitForAnnotation(await box.queue().put(keep(1)), 'a', options),
  waitForDeactivation: async (box, options) => waitForDeactivation(new Dispatcher(box), options),
  getPoll: async (box, options) => getPoll(new Dispatcher(box), 1, options),
  drain: (box, options) => drain(box, options),
  echoLog: (_, options) => echoLog(options),
  createTestBox: (_, options) => createTestBox(options),
  tearDownBox: (box, options) => tearDownBox(box, options),
  putInline: (box, options) => putInline(box, keep(1), options),
  migratePostgres: (_, options) => migratePostgres(options),
  verifyPostgres: (_, options) => verifyPostgres(options),
};

describe('Options', () => {
  it.each(Object.entries(calls))('of %s that are null, or text, are refused', async (_name, call) => {
    for (const given of [null, 'text']) {
      const box = await openBox(memoryStore());
      expect(await errorOf(async () => call(box, wrong(given)))).toMatchObject({ code: 'INVALID_OPTION' });
    }
  });

  it.each(Object.entries(calls).filter(([name]) => !/Callbacks|createSignalbox|createTestBox/.test(name)))(
    'of %s that are misspelt are refused by their name',
    async (name, call) => {
      const box = await openBox(memoryStore());
      const needed = /Postgres/.test(name) ? { connectionString: 'postgres://nowhere.invalid/x' } : {};

      const error = await errorOf(async () => call(box, wrong({ ...needed, tiemout: 1 })));

      expect(error).toMatchObject({ code: 'INVALID_OPTION', details: { option: 'tiemout' } });
    },
  );

  it('of a live annotation are checked, too', async () => {
    const codes: unknown[] = [];
    const look = defineJob({
      name: 'look',
      async run() {
        for (const given of [null, { tiemout: 1 }])
          codes.push((await errorOf(() => local.getLiveAnnotation('a', wrong(given)))).code);
      },
    });
    const box = await openBox(memoryStore(), [look]);
    await box.start();

    await (await box.queue().put(look())).result();

    expect(codes).toEqual(['INVALID_OPTION', 'INVALID_OPTION']);
  });
});

describe('A missing argument is refused by its name', () => {
  it.each<[string, () => unknown, string]>([
    ['a box for signals', () => handleSignals(wrong(undefined)), 'box'],
    ['a box of a dispatcher', () => new Dispatcher(wrong(null)), 'box'],
    ['a box of an agent', () => installAgent(wrong({}), { name: 'main' }), 'box'],
    ['a job that is waited for', () => waitForResult(wrong(undefined)), 'job'],
  ])('%s', async (_what, call, option) => {
    expect(await errorOf(async () => call())).toMatchObject({
      code: 'INVALID_OPTION',
      details: { option },
    });
  });
});

describe('Figures', () => {
  it.each(['x', -1, 1.5, Number.NaN, null])('of the first entry that are %s are refused', async (from) => {
    const box = await openBox(memoryStore());

    expect(await errorOf(async () => box.entries(wrong(from)))).toMatchObject({
      code: 'INVALID_OPTION',
      details: { option: 'from' },
    });
  });

  it.each([
    ['name', 7],
    ['maxConflicts', undefined],
    ['maxConflicts', -1],
    ['maxInterruptions', 'often'],
    ['retriesOtherCommitErrors', 'no'],
    ['logEvery', 0],
    ['kindOf', 'conflict'],
    ['disconnectWaits', null],
    ['otherCommitWaits', { first: 0, step: '1s', max: 5 }],
  ])('of a policy: %s may not be %s', async (figure, value) => {
    const right = { name: 'mine', maxConflicts: 1, maxInterruptions: null, retriesOtherCommitErrors: true };

    const error = await errorOf(async () => commonRetryPolicy(wrong({ ...right, [figure]: value })));

    expect(error.code).toMatch(/^INVALID_(OPTION|NAME)$/);
  });

  it.each([{ kill: 1 }, { kills: 'many' }, { kills: 1.5 }, { delays: 2 }, { refusals: Number.NaN }])(
    'of faults: %o are refused',
    async (faults) => {
      const life = { jobs: [], acts: 1, act: () => undefined };

      const error = await errorOf(() => simulate({ scenario: () => wrong(life), faults: wrong(faults) }));

      expect(error).toMatchObject({ code: 'INVALID_OPTION' });
      expect(error.message).toContain(Object.keys(faults)[0]);
    },
  );
});
