import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  agent,
  type Dispatcher,
  defineChooser,
  defineCondition,
  defineFilter,
  defineJob,
  Failure,
  RetryCommonFourTimes,
} from 'signalbox';
import { describe, expect, it } from 'vitest';
import { stepJob } from '../../src/model/jobs/step.ts';
import { internals } from '../../src/runtime/box/internals.ts';
import { forEachStore, makeBox, newDirectory } from '../behaviours/stores.ts';
import { inheritedNames } from './hostile-names.ts';

describe('[S1] a stored name', () => {
  it('never leads to an import or to code that is not registered: 200 references at every place of a name', async () => {
    const child = fileURLToPath(new URL('foreign-references.child.ts', import.meta.url));
    const flags = ['--import', 'tsx', '--conditions', 'signalbox-source'];
    const { stdout } = await promisify(execFile)(process.execPath, [
      ...flags,
      child,
      join(newDirectory(), 'store'),
    ]);

    const report = JSON.parse(stdout);

    expect(report.references).toBeGreaterThanOrEqual(200);
    // The loader reports imports; the only one is that of the lock, whose name is in the code.
    expect(report.seen).toEqual(['node:zlib']);
    expect(report.imported).toEqual(['fs-native-extensions']);
    // Only the harmless job and the parents of the callbacks ran.
    expect([report.executed, report.ran, report.result]).toEqual([
      0,
      1 + Math.ceil(report.references / 4),
      'innocent',
    ]);
    // A job whose reference could be a name waits; one whose reference could not is quarantined. Neither gives a value.
    expect(Object.keys(report.outcomes).sort()).toEqual(['PENDING', 'quarantined']);
    expect(report.outcomes.PENDING + report.outcomes.quarantined).toBe(report.references);
    expect(report.policies).toEqual(['ACTIVE']);
  });
});

const allowed = inheritedNames.filter((name) => !name.startsWith('_'));

forEachStore('[S2] a name that every object inherits', (makeStore) => {
  it('is a name like any other for jobs, queues, quotas, agents, filters, choosers, conditions and policies', async () => {
    const definitions = allowed.map((name) => defineJob({ name, run: () => `ran ${name}` }));
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: definitions, queues: allowed });
    reactor.run();
    const started: Promise<Dispatcher> = box.start({ agent: null, pollInterval: '1h' });
    await reactor.until(started);
    for (const [at, name] of allowed.entries()) {
      const queue = box.queue(name);
      await queue.quotas.create(name);
      const policy = { ...RetryCommonFourTimes, name };
      const job = definitions[at]?.().with({ quotaNames: [name], retryPolicy: policy });
      const pair = await job?.addConditionalCallbacks([
        [defineCondition(name, () => true), definitions[at] as never],
      ]);
      const put = await queue.put(job as never);
      const { agents } = await queue.dispatchers.get(box.uuid);
      const filter =
        at % 2 === 0
          ? { filter: defineFilter(name, () => true) }
          : { chooser: defineChooser(name, (jobs) => [...jobs][0] ?? null) };
      await agents.set(name, agent({ size: 1, ...filter }));
      await reactor.advance('1h');

      await put.refresh();
      expect([name, put.outcome]).toEqual([name, { ok: true, value: `ran ${name}` }]);
      expect([name, await pair?.outcome()]).toEqual([name, { ok: true, value: `ran ${name}` }]);
      expect([name, put.record.retryPolicy, await queue.quotas.names(), await agents.names()]).toEqual([
        name,
        name,
        [name],
        [name],
      ]);
    }
    const polls = box.getDispatcher()?.polls.toArray() ?? [];
    for (const name of allowed) {
      const seen = polls
        .map((poll) => poll.queues[name]?.[name]?.error)
        .filter((error) => error !== undefined);
      expect([name, [...new Set(seen)]]).toEqual([name, [null]]);
    }
  });

  it('is unknown where no definition has this name, and is not mistaken for an inherited key', async () => {
    const keep = defineJob({ name: 'keep', run: (value: unknown) => value });
    const { box } = await makeBox({ store: makeStore(), jobs: [keep], queues: ['a'] });
    for (const name of inheritedNames) {
      const refused = async (attempt: () => unknown): Promise<unknown> => {
        try {
          return await attempt();
        } catch (error) {
          return (error as { code?: string }).code;
        }
      };
      const unknown = [
        await refused(() => box.queue(name).put(keep(1))),
        await refused(() => box.queue('a').quotas.get(name)),
        await refused(() => box.queue('a').put(keep(1).with({ quotaNames: [name] }))),
        await refused(() => box.queue('a').dispatchers.get(name)),
        await refused(() => internals(box).context.registry.filter(name)),
        await refused(() => internals(box).context.registry.chooser(name)),
        await refused(() => internals(box).context.registry.condition(name)),
      ];
      expect([name, unknown]).toEqual([
        name,
        [
          name.startsWith('_') ? 'INVALID_NAME' : 'QUEUE_NOT_FOUND',
          'QUOTA_NOT_FOUND',
          name.startsWith('_') ? 'INVALID_NAME' : 'QUOTA_NOT_FOUND',
          'REPRESENTATION_NOT_FOUND',
          'UNKNOWN_FILTER',
          'UNKNOWN_FILTER',
          'UNKNOWN_CONDITION',
        ],
      ]);
      expect(internals(box).context.registry.definition(name)).toBeUndefined();
      expect(internals(box).context.registry.policy(name)).toBeUndefined();
      expect(box.getDispatcher(name)).toBeNull();
    }
  });

  it('is an annotation, a key and an error like any other', async () => {
    const give = defineJob({
      name: 'give',
      run: (name: string) => {
        if (name.startsWith('_')) return { [name]: name };
        throw Object.assign(Object.defineProperty(new Error(name), 'name', { value: name }), {
          code: name,
          extra: { [name]: name },
        });
      },
    });
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [give], queues: [''] });
    reactor.run();
    await reactor.until(box.start());
    const all = Object.fromEntries(inheritedNames.map((name) => [name, name]));
    for (const name of inheritedNames) {
      const job = await box.queue().put(give(name).with({ annotations: all }));
      await reactor.advance('1s');
      await job.setAnnotation(name, 'set');
      await job.refresh();

      expect(Object.keys(job.annotations).sort()).toEqual([...inheritedNames].sort());
      expect(Object.getOwnPropertyDescriptor(job.annotations, name)?.value).toBe('set');
      if (job.outcome?.ok) expect(Object.entries(job.outcome.value as object)).toEqual([[name, name]]);
      else expect([job.outcome?.failure.name, job.outcome?.failure.check(name)]).toEqual([name, true]);
    }
    expect(
      new Failure({ name: 'x', message: '', stack: '', code: null, cause: null, extra: {} }).check(
        'constructor',
      ),
    ).toBe(false);
  });

  it('is no state and no event of a chart', async () => {
    const keep = defineJob({ name: 'keep', run: () => 1 });
    const { box } = await makeBox({ store: makeStore(), jobs: [keep], queues: [''] });
    const { record } = await box.queue().put(keep());

    for (const name of inheritedNames) {
      expect(() => stepJob(record, { type: name } as never)).toThrow('refuses it');
      expect(() => stepJob({ ...record, state: name as never }, { type: 'job.pull', system: null })).toThrow(
        'refuses it',
      );
    }
  });

  it('is not a level of the log: a failure is still logged', async () => {
    const fail = defineJob({ name: 'fail', run: () => Promise.reject(new Error('heard')) });
    const { box, reactor, logged } = await makeBox({ store: makeStore(), jobs: [fail], queues: [''] });
    const job = await box.queue().put(fail());
    const patch = { failureLogLevel: 'constructor' };
    await box.store.commit({
      by: 'another',
      changes: [{ kind: 'job', id: job.id ?? '', event: 'failureLogLevel.set', from: null, to: null, patch }],
      expect: [],
    }).synced;
    reactor.run();
    await reactor.until(box.start());
    await reactor.advance('1s');

    expect(logged('ERROR').join()).toContain('heard');
  });
});

it('[S2] the name of a definition is checked where it is made', () => {
  for (const name of [
    '__proto__',
    '',
    ' keep',
    'a/b',
    'a\u0000',
    '\u202ea',
    'a\n',
    'data:text/javascript,1',
    'x'.repeat(129),
    1,
    null,
    {},
  ]) {
    for (const define of [
      () => defineJob({ name: name as string, run: () => 1 }),
      () => defineFilter(name as string, () => true),
      () => defineChooser(name as string, () => null),
      () => defineCondition(name as string, () => true),
    ])
      expect(define).toThrow('to be a name');
  }
});
