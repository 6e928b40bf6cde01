import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { agent, createSignalbox, defineJob, type Signalbox, SignalboxError } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeFilePort } from '../../src/store/json/ports/file-port.ts';
import { createInlineSyncPort } from '../../src/store/json/ports/sync-port.ts';
import { newDirectory } from '../behaviours/stores.ts';
import { inheritedNames } from './hostile-names.ts';
import { forgeEntries, forgeSnapshot, type RawEntry } from './tampered-store.ts';

const ignore = (): void => {};
const silent = { debug: ignore, info: ignore, warn: ignore, error: ignore, fatal: ignore };
const uuid = '11111111-1111-4111-8111-111111111111';
const calls: unknown[] = [];
const note = defineJob({
  name: 'note',
  run: (what: unknown) => {
    calls.push(what);
    return what;
  },
});
const fail = defineJob({ name: 'fail', run: () => Promise.reject(new Error('no')) });
const jobs = [note, fail];

// This test has no power cuts, and each of many openings would wait for the disk.
const files = { ...nodeFilePort, datasync: ignore, syncDirectory: ignore };

function open(dir: string): Promise<Signalbox> {
  const store = jsonStore(dir, { files, syncs: () => createInlineSyncPort(files) });
  return createSignalbox({ store, jobs, queues: [''], uuid, logger: silent });
}

/** A closed store in which these jobs wait. */
async function withWaitingJobs(ids: readonly string[]): Promise<string> {
  const dir = join(newDirectory(), 'store');
  const box = await open(dir);
  for (const id of ids) await box.queue().put(note(id), { id });
  await box.stop();
  return dir;
}

function idOf(entry: RawEntry): string {
  return entry.on.replace('job/', '');
}

/**
 * Opens the store and runs its jobs: these jobs are shown and not changed, and cannot be changed. After a
 * restart, too.
 */
async function areQuarantined(dir: string, ids: readonly string[]): Promise<void> {
  for (let opening = 1; opening <= 2; opening += 1) {
    calls.length = 0;
    const box = await open(dir);
    await box.start();
    expect(await (await box.queue().put(note('usual'))).result()).toBe('usual');

    expect(calls).toEqual(['usual']);
    const records = await box.store.quarantined();
    expect(records.map(({ id }) => id).sort()).toEqual([...ids].sort());
    for (const record of records) {
      const odd = await box.job(record.id).refresh();
      expect([String(odd), odd.args, odd.outcome, odd.annotations].length).toBe(4);
      await expect(odd.fail()).rejects.toBeInstanceOf(SignalboxError);
      await expect(odd.setRetryPolicy(null)).rejects.toBeInstanceOf(SignalboxError);
      await expect(box.queue().remove(odd)).rejects.toBeInstanceOf(SignalboxError);
      expect((await box.store.get('job', record.id))?.rev).toBe(record.rev);
    }
    expect(await box.queue().length()).toBe(0);
    await box.stop();
  }
}

const states = [
  'paused',
  'active',
  'running',
  'Pending',
  'pending ',
  '',
  '#job.pending',
  'active.running.deep',
  '*',
  ...inheritedNames,
];

const values: readonly (readonly [key: string, value: unknown])[] = [
  ['state', 'completed'],
  ['value', { active: 'running' }],
  ['status', 'active'],
  ['children', { evil: { src: 'note', snapshot: {}, syncSnapshot: true } }],
  ['src', 'data:text/javascript,1'],
  ['invoke', [{ src: 'note' }]],
  ['historyValue', {}],
  ['_nodes', []],
  ['id', 'another'],
  ['rev', 0],
  ['lastSeq', 1],
  ['unsound', []],
  ['__proto__', { outcome: { ok: true, value: 1 } }],
  ['constructor', {}],
  ['name', 'a/b'],
  ['name', { toString: 'note' }],
  ['name', null],
  ['args', {}],
  ['args', 'note'],
  ['args', null],
  ['quotaNames', [{}]],
  ['quotas', 'a'],
  ['beginAfter', '5m'],
  ['beginBy', {}],
  ['retryPolicy', { jobError: 1, interrupted: 2 }],
  ['retryData', []],
  ['failureLogLevel', 7],
  ['parent', {}],
  ['parent', { queue: '', agent: 'main' }],
  ['parent', { queue: {} }],
  ['parent', { job: 'x', queue: '' }],
  ['line', 'last'],
  ['line', ['now', 1]],
  ['order', ['now']],
  ['position', 1],
  ['epoch', -1],
  ['claim', '1'],
  ['attempts', 0.5],
  ['waitingOn', {}],
  ['outcome', { ok: true }],
  ['outcome', { ok: false, failure: { message: 'x' } }],
  ['outcome', { ok: 'yes', value: 1 }],
  ['ending', 'vanished'],
];

describe('[S4] a job whose record was changed', () => {
  it('is quarantined in a state that the chart does not have', async () => {
    const ids = states.map((_state, at) => `state-${at}`);
    const dir = await withWaitingJobs(ids);
    forgeEntries(dir, (entry) => ({ ...entry, to: states[ids.indexOf(idOf(entry))] ?? entry.to ?? null }));

    await areQuarantined(dir, ids);
  });

  it('is quarantined when it changes into such a state in the line of its queue, or in an agent', async () => {
    const dir = join(newDirectory(), 'store');
    const box = await open(dir);
    await box.queue().put(note('held'), { id: 'held' });
    await box.queue().claim();
    const waiting = await box.queue().put(note('waiting'), { id: 'waiting' });
    await waiting.setFailureLogLevel('ERROR');
    await box.stop();
    forgeEntries(dir, (entry) => {
      if (entry.ev === 'failureLogLevel.set') return { ...entry, to: 'paused', patch: undefined };
      if (entry.ev !== 'job.claim') return undefined;
      return { ...entry, patch: { ...entry.patch, retryPolicy: {} } };
    });

    await areQuarantined(dir, ['held', 'waiting']);
  });

  it('is quarantined with a value that no version writes, and nothing of it is called', async () => {
    const ids = values.map((_value, at) => `value-${at}`);
    const dir = await withWaitingJobs(ids);
    forgeEntries(dir, (entry) => {
      const value = values[ids.indexOf(idOf(entry))];
      return value && { ...entry, patch: Object.fromEntries([...Object.entries(entry.patch), value]) };
    });

    await areQuarantined(dir, ids);
  });

  it('is quarantined in a snapshot, too, and what is wrong is shown', async () => {
    const dir = await withWaitingJobs(['odd']);
    await (await open(dir)).stop();
    forgeSnapshot(dir, (record) =>
      record.replace('"id":"odd"', '"id":"odd","src":"note"').replace('"args":["odd"]', '"args":5'),
    );

    await areQuarantined(dir, ['odd']);
    const box = await open(dir);
    expect((await box.store.get('job', 'odd'))?.unsound).toEqual([
      ['src', 'note'],
      ['args', 5],
    ]);
    await box.stop();
  });
});

describe('[S4] a record of another kind that was changed', () => {
  const changes: readonly (readonly [on: string, patch: object])[] = [
    ['store/store', { epoch: '1' }],
    ['queue/', { createdAt: {} }],
    ['quota//disk', { size: 'many' }],
    ['representation//', { pingInterval: null }],
    ['representation//', { children: {} }],
    ['agent//', { selection: { kind: 'constructor', name: 'x' } }],
    ['agent//', { selection: { kind: 'filter', name: 'x', accepts: 'data:,' } }],
    ['agent//', { size: '3' }],
    ['proxy/', { branches: [{ when: {}, job: null }] }],
  ];

  it.each(changes)('closes the store with the place: %s %j', async (on, patch) => {
    const dir = join(newDirectory(), 'store');
    const box = await open(dir);
    await box.start();
    await box.queue().quotas.create('disk');
    const { agents } = await box.queue().dispatchers.get(uuid);
    await agents.set('other', agent({ size: 1 }));
    const job = note('parent');
    await job.addCallbacks({ success: note.partial() });
    await box.queue().put(job);
    await box.stop();
    let forged = 0;
    forgeEntries(dir, (entry) => {
      if (!entry.on.startsWith(on) || entry.patch == null) return;
      forged += 1;
      entry.patch = { ...entry.patch, ...patch };
    });

    const error = await open(dir).then(ignore, (refused: SignalboxError) => refused);

    expect(forged).toBeGreaterThan(0);
    expect(error).toMatchObject({ code: 'STORE_CORRUPT', details: { file: 'journal-00000001.jsonl' } });
  });
});

describe('[S4] any value anywhere in a journal with right checksums', () => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-'));
  const rich = join(folder, 'rich');
  afterAll(() => rmSync(folder, { recursive: true }));
  beforeAll(async () => {
    const box = await open(rich);
    await box.start({ agent: agent({ size: 2 }) });
    await box.queue().quotas.create('disk');
    const parent = note('parent').with({ quotaNames: ['disk'], annotations: { a: 1 } });
    await parent.addCallback(note.partial());
    await parent.addCallbacks({ failure: note.partial() });
    const put = await box.queue().put(parent);
    await put.waitFor('COMPLETED');
    await (await box.queue().put(fail())).waitFor('COMPLETED');
    await box.queue().put(note('late'), { beginAfter: '1h', beginBy: '1h' });
    await box.stop();
  });

  it('is refused by a code, or the store opens and works', async () => {
    const anything = fc.oneof(
      fc.constantFrom<unknown>(
        null,
        true,
        0,
        -1,
        1.5,
        1e300,
        '',
        'note',
        'completed',
        'pending',
        'active.running',
        'callbacks',
        [],
        {},
        [null],
        { job: 'x' },
        { queue: '' },
        { system: 'x' },
        { $job: 'x' },
      ),
      fc.constantFrom(...inheritedNames),
      fc.jsonValue({ maxDepth: 2 }),
    );
    const tampering = fc.record({ at: fc.nat(), key: fc.nat(), value: anything, drop: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(tampering, async ({ at, key, value, drop }) => {
        const dir = copied(rich);
        let number = 0;
        let forged = '';
        let total = 0;
        forgeEntries(dir, () => {
          total += 1;
          return undefined;
        });
        forgeEntries(dir, (entry) => {
          number += 1;
          if (number - 1 !== at % total) return;
          const keys = ['to', 'from', ...Object.keys(entry.patch ?? {}).map((name) => `patch ${name}`)];
          const chosen = keys[key % keys.length] ?? 'to';
          const target = (chosen.startsWith('patch ') ? entry.patch : entry) as Record<string, unknown>;
          const name = chosen.replace('patch ', '');
          forged = entry.on;
          if (drop) delete target[name];
          else target[name] = value;
        });
        let box: Awaited<ReturnType<typeof open>>;
        try {
          box = await open(dir);
        } catch (error) {
          expect((error as SignalboxError).code).toMatch(/^STORE_/);
          return;
        }
        await box.start();
        const usual = await box.queue().put(note('usual'));
        // One job does not block another. Changed settings are valid settings.
        if (/^(job|proxy|annotation)/.test(forged))
          expect(await usual.result({ timeout: '3s' })).toBe('usual');
        await box.stop();
        expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
      }),
      { numRuns: 60 },
    );
  });
});

function copied(dir: string): string {
  const copy = join(newDirectory(), 'store');
  cpSync(dir, copy, { recursive: true });
  return copy;
}
