import { rmSync } from 'node:fs';
import { type Json, memoryStore, type OpenStore, recordKinds, type Store } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { SeededRandom } from 'signalbox/testing';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { newScheduleContext } from '../../../machines/schedule.context.ts';
import { Audit } from '../../../src/testing/simulate/audit/audit.ts';
import { newPath } from '../json/open-store.ts';
import { openByHand } from '../open-by-hand.ts';
import { newPostgresStore, removeSchemas } from './schemas.ts';

type Commit = Parameters<OpenStore['commit']>[0];
type Change = Commit['changes'][number];
type Fields = Record<string, Json>;

afterAll(removeSchemas);

const clock = { now: 1_795_478_575_372.125 };

function opened(store: Store): Promise<OpenStore> {
  return openByHand(store, () => clock.now);
}

const kinds = recordKinds.filter((kind) => kind !== 'store');
const texts = [
  '',
  'a',
  'A',
  'NULL',
  'null',
  '{}',
  '{"a"}',
  '"',
  "'",
  '\\',
  '\\n',
  '\n\t\r',
  'ü€',
  '\u{1F600}',
  '\uFFFF',
  '\u2028',
  '\u007f',
  '$1',
  '%_',
  "$$'; --",
  '#1',
  'x'.repeat(300),
  'y'.repeat(9000),
];
const numbers = [
  0,
  1,
  -1,
  1.5,
  0.1 + 0.2,
  1e21,
  1e-7,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 63,
  5e-324,
  1.7976931348623157e308,
  1_795_478_575_372.125,
];
const states = ['new', 'pending', 'assigned', 'active.running', 'active.waiting', 'callbacks', 'completed'];
const stepKeys = [
  'attempts',
  'lastFailure',
  'activeStart',
  'activeEnd',
  'callbacksEnd',
  'waitingOn',
  'retryData',
  'outcome',
  'ending',
  'quotas',
];

class Series {
  readonly random: SeededRandom;
  readonly records = new Map<string, Fields & { state?: string }>();
  count = 0;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
  }
  below(end: number): number {
    return this.random.integer(0, end - 1);
  }
  one<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
  value(depth = 0): Json {
    const what = this.below(depth > 2 ? 4 : 7);
    if (what === 0) return null;
    if (what === 1) return this.one(numbers);
    if (what === 2) return this.one(texts);
    if (what === 3) return this.below(2) === 0;
    if (what === 4) return Array.from({ length: this.below(4) }, () => this.value(depth + 1));
    const found: Record<string, Json> = {};
    for (let at = this.below(4); at > 0; at -= 1)
      Object.defineProperty(
        found,
        this.one([...texts, '__proto__', 'constructor', '1', '0', 'toString', '$$job']),
        {
          value: this.value(depth + 1),
          enumerable: true,
          configurable: true,
          writable: true,
        },
      );
    return found;
  }
  mapping(): Json {
    return { value: this.value() };
  }
  orNull<T extends Json>(value: T): T | null {
    return this.below(3) === 0 ? null : value;
  }
  names(): string[] {
    return Array.from({ length: this.below(4) }, () => this.one(texts.filter((text) => text.length < 400)));
  }
  instant(): number {
    return this.one(numbers);
  }
  failure(): Json {
    return {
      name: this.one(texts),
      message: this.one(texts),
      stack: '',
      code: this.orNull(this.one(texts)),
      cause: null,
      extra: this.mapping(),
    };
  }
  field(key: string): Json {
    switch (key) {
      case 'name':
        return this.one(['work', 'a.b', 'a:b', 'Work', 'work-1']);
      case 'args':
        return Array.from({ length: this.below(4) }, () => this.value());
      case 'quotaNames':
      case 'quotas':
        return this.names();
      case 'retryData':
        return this.orNull(this.mapping());
      case 'outcome':
        return this.orNull(
          this.below(2) === 0 ? { ok: true, value: this.value() } : { ok: false, failure: this.failure() },
        );
      case 'lastFailure':
        return this.orNull({ at: this.instant(), failure: this.failure() });
      case 'ending':
        return this.one([null, 'succeeded', 'failed', 'aborted', 'expired']);
      case 'epoch':
      case 'claim':
      case 'attempts':
        return this.one([0, 1, 7, 2 ** 31, 2 ** 52]);
      case 'priority':
        return this.one(numbers);
      case 'waitingOn':
      case 'assigner':
      case 'failureLogLevel':
      case 'retryPolicy':
      case 'uniqueKey':
        return this.orNull(this.one(texts));
      case 'reply':
        return this.orNull({
          actor: this.one(texts),
          machine: this.one(['order', 'par"cel']),
          child: this.one(texts),
          run: this.below(9),
        });
      default:
        return this.orNull(this.instant());
    }
  }
  place(state: string): Json {
    const queue = this.one(['', 'q', 'q:r', 'Q']);
    if (this.below(4) === 0) return this.one<Json>([null, { job: 'j1' }, { proxy: 'x1' }, { system: 'j9' }]);
    if (state === 'new') return null;
    if (['pending', 'callbacks', 'completed'].includes(state) && (state === 'pending' || this.below(2) === 0))
      return { queue };
    return { queue, dispatcher: this.one(['d', 'D']), agent: this.one(['main', 'x']) };
  }
  job(): Change {
    const id = `j${this.below(30)}`;
    const present = this.records.get(`job/${id}`);
    if (present !== undefined && this.below(12) === 0) {
      this.records.delete(`job/${id}`);
      return { kind: 'job', id, event: 'gone', from: null, to: null, patch: null, gone: true };
    }
    const to = this.one(states);
    const keys = [
      'name',
      'args',
      'quotaNames',
      'quotas',
      'retryData',
      'outcome',
      'ending',
      'epoch',
      'claim',
      'attempts',
      'lastFailure',
      'priority',
      'waitingOn',
      'assigner',
      'failureLogLevel',
      'retryPolicy',
      'uniqueKey',
      'reply',
      'beginAfter',
      'beginBy',
      'activeStart',
      'activeEnd',
      'callbacksEnd',
    ];
    const patch: Fields = {};
    for (const key of keys) if (this.below(present === undefined ? 2 : 5) === 0) patch[key] = this.field(key);
    if (present === undefined) patch.name ??= 'work';
    patch.parent = this.place(to);
    patch.line = this.orNull(this.one(['now', 'held', 'putBack', 'claimed', 'callback']));
    const change: Change = { kind: 'job', id, event: 'changed', from: present?.state ?? null, to, patch };
    this.records.set(`job/${id}`, { ...present, ...patch, state: to } as never);
    return change;
  }
  step(): Commit | null {
    const live = [...this.records].filter(
      ([key, { state }]) => key.startsWith('job/') && state !== 'new' && state !== 'pending',
    );
    if (live.length === 0) return null;
    const [key, record] = this.one(live);
    const id = key.slice(4);
    const changes: Change[] = [];
    let from = record.state as string;
    const parent = record.parent as { queue?: string; agent?: string } | null;
    const fits =
      parent?.queue === undefined
        ? states
        : parent.agent === undefined
          ? ['callbacks', 'completed']
          : states.slice(2);
    const next: Fields = { ...record };
    for (let at = 1 + this.below(2); at > 0; at -= 1) {
      const to = this.one(fits);
      const patch: Fields = {};
      for (const each of stepKeys)
        if (this.below(3) === 0) patch[each] = each === 'quotas' ? [] : this.field(each);
      changes.push({
        kind: 'job',
        id,
        event: this.one(['step', 'st"ep\\']),
        from,
        to,
        patch: this.below(6) === 0 ? null : patch,
      });
      if (changes.at(-1)?.patch !== null) Object.assign(next, patch);
      from = to;
    }
    this.records.set(key, { ...next, state: from } as never);
    const holder = {
      check: 'holder',
      id,
      epoch: Number(record.epoch ?? 0),
      claim: Number(record.claim ?? 0),
    } as const;
    return { by: this.one(['d', 'e"\\', 'client']), changes, expect: [holder] };
  }
  other(): Change {
    const kind = this.one([
      'annotation',
      'annotation',
      'quota',
      'queue',
      'agent',
      'proxy',
      'schedule',
      'unique',
      'actor',
      'message',
      'message',
    ] as const);
    if (kind === 'actor') return this.actor();
    if (kind === 'message') return this.message();
    const id =
      kind === 'annotation'
        ? `j${this.below(12)}/${this.one(texts.slice(1, 20).filter((text) => !/[\n]/.test(text)))}`
        : `r${this.below(8)}`;
    const key = `${kind}/${id}`;
    if (this.records.has(key) && this.below(4) === 0) {
      this.records.delete(key);
      return { kind, id, event: 'gone', from: null, to: null, patch: null, gone: true };
    }
    const patch: Fields =
      kind === 'annotation'
        ? { value: this.value() }
        : kind === 'quota'
          ? { size: this.below(100) }
          : kind === 'unique'
            ? { job: `j${this.below(9)}`, at: this.instant(), until: this.one([1e15, 2e15]) }
            : kind === 'schedule'
              ? {
                  nextAt: this.orNull(this.instant()),
                  figures: { ...newScheduleContext().figures, jitter: this.instant() },
                  setBy: this.one(texts),
                  job: { content: this.mapping(), delay: null, deadline: null, annotations: null },
                }
              : kind === 'queue'
                ? { createdAt: this.one(numbers) }
                : kind === 'agent'
                  ? {
                      ...(this.below(2) === 0 ? { size: this.below(9) } : {}),
                      failure: this.orNull(this.failure()),
                    }
                  : {
                      parent: this.records.get(key)?.parent ?? { job: `j${this.below(9)}` },
                      branches: [{ when: this.one(texts), job: this.orNull('j1') }].slice(this.below(2)),
                      chosen: this.orNull(`j${this.below(9)}`),
                    };
    this.records.set(key, patch as never);
    return { kind, id, event: 'changed', from: null, to: null, patch };
  }
  /** The start or a step of an actor. */
  actor(): Change {
    const id = `m/${this.below(6)}`;
    const key = `actor/${id}`;
    const before = this.records.get(key);
    const [from, to] = [(before?.state as string | undefined) ?? null, this.one(texts.slice(1, 12))];
    const patch: Fields = {
      machine: this.one(['order', 'par"cel']),
      status: this.one(['active', 'suspended', 'done']),
      dueAt: this.orNull(this.instant()),
      [`c:${this.one(texts)}`]: this.value(),
      output: this.value(),
      finishedAt: null,
    };
    const carried = this.below(2) === 0 ? {} : { arg: this.value() };
    this.records.set(key, { ...before, ...patch, state: to } as never);
    return { kind: 'actor', id, event: this.one(['go', 'st"op\\']), from, to, patch, ...carried };
  }
  /** A message that is sent, or what becomes of one. */
  message(): Change {
    const id = `m/${this.below(6)}#${this.below(4)}`;
    const key = `message/${id}`;
    const before = this.records.get(key);
    if (before !== undefined && this.below(4) === 0) {
      this.records.delete(key);
      return { kind: 'message', id, event: 'gone', from: null, to: null, patch: null, gone: true };
    }
    const from = (before?.state as string | undefined) ?? null;
    const to = from === null ? 'waiting' : this.one(['waiting', 'taken', 'dead']);
    const patch: Fields =
      from === null
        ? {
            actor: id.slice(0, 3),
            machine: this.one(['order', 'par"cel']),
            event: { type: this.one(['go', 'ask']), value: this.value() },
            at: 1e15,
          }
        : { reason: this.orNull(this.one(texts)), failure: this.orNull(this.failure()) };
    this.records.set(key, { ...before, ...patch, state: to } as never);
    return { kind: 'message', id, event: 'sent', from, to, patch };
  }
  commits(): Commit[] {
    const made: Commit[] = [];
    for (let at = 1 + this.below(8); at > 0; at -= 1) {
      const what = this.below(10);
      if (what < 5) {
        const step = this.step();
        if (step !== null) made.push(step);
        continue;
      }
      const length = what === 9 ? 20 + this.below(40) : 1 + this.below(4);
      made.push({
        by: 'client',
        changes: Array.from({ length }, () => (this.below(3) === 0 ? this.other() : this.job())),
        expect: [],
      });
    }
    return made;
  }
}

async function seen(store: OpenStore): Promise<unknown> {
  const found: Record<string, unknown> = {};
  let newest = 0;
  for (const kind of kinds)
    for (const record of await store.list(kind, '')) {
      const { lastSeq, createdSeq, position, ...rest } = record as never as Record<string, Json>;
      newest = Math.max(newest, lastSeq as number);
      found[`${kind}/${record.id}`] = rest;
    }
  // A transaction of another test that is open for long holds the end of the journal back.
  await expect.poll(() => lastEntryOf(store), { timeout: 60_000 }).toBeGreaterThanOrEqual(newest);
  const entries: Record<string, unknown[]> = {};
  // A database keeps a long commit as several lines: `commit` tells of those.
  for await (const { seq, q, by, commit, ...entry } of store.entries(1)) {
    if (entry.kind === 'store') continue;
    entries[`${entry.kind}/${entry.id}`] ??= [];
    // What shares a statement on a database says so of the charts of all.
    const isOwn = (chart: string): boolean => chart.startsWith(`${entry.kind}@`);
    const mv = entry.mv
      .split(',')
      .filter((chart, at) => at < 2 || isOwn(chart))
      .join();
    entries[`${entry.kind}/${entry.id}`]?.push({
      ...entry,
      mv,
      by: by.slice(0, by.lastIndexOf('#')),
    });
  }
  const histories: Record<string, unknown[]> = {};
  for (const key of Object.keys(found)) {
    const at = key.indexOf('/');
    histories[key] = [];
    for await (const { event, from, to, patch, arg } of store.history(
      key.slice(0, at) as 'job',
      key.slice(at + 1),
    ))
      histories[key]?.push({ event, from, to, patch, arg });
  }
  return { found, entries, histories, actors: await seenOfActors(store) };
}

async function lastEntryOf(store: OpenStore): Promise<number> {
  let last = 0;
  for await (const { seq } of store.entries(1)) last = seq;
  return last;
}

/** What is found by the indexes of actors and messages. */
async function seenOfActors(store: OpenStore): Promise<unknown> {
  const machines = ['order', 'par"cel'];
  const ids = (records: readonly { readonly id: string }[]): string[] => records.map(({ id }) => id);
  const mail: unknown[] = [];
  for (let at = 0; at < 6; at += 1)
    mail.push([await store.mailCount(`m/${at}`), ids(await store.mail(`m/${at}`, 100))]);
  return {
    mail,
    mailed: [await store.mailed(machines, '', 100), await store.mailed(['order'], 'm/1', 2)],
    due: [await store.dueActors(machines, 5, 100), await store.dueActors(machines, 1e300, 100)],
    counts: await store.actorCounts(),
    pages: [
      ids((await store.actorsPage({ limit: 100 })).actors),
      ids((await store.actorsPage({ machine: 'order', status: ['active'], limit: 100 })).actors),
    ],
    dead: ids(await store.deadLetters(100)),
  };
}

async function audited(store: OpenStore): Promise<readonly string[]> {
  const audit = new Audit({ boxPrefix: '', hasPeers: true });
  for await (const entry of store.entries(1)) audit.follow(entry);
  const links = audit.problems.filter((problem) => problem.includes('names '));
  audit.problems.length = 0;
  await audit.compare(store);
  // What becomes of random mail and of random replies is what no actor does.
  return [...links, ...audit.problems].filter((problem) => !/^I(2[6-9]|3[0-3]) /.test(problem));
}

const seeds = [1, 2, 3];

describe('Any series of commits, several at a time, with values of all sorts', () => {
  it.each(seeds)('leaves the same on every store (seed %i)', { timeout: 120_000 }, async (seed) => {
    const dir = newPath();
    const json = jsonStore(dir, { checkpointMinBytes: 30_000, completedMaxAge: 1e15, failedMaxAge: 1e15 });
    const stores = [
      await opened(memoryStore({ completedMaxAgeMs: 1e15, failedMaxAgeMs: 1e15 })),
      await opened(json),
      await opened(newPostgresStore()),
    ] as const;
    const series = new Series(seed);
    for (let round = 0; round < 40; round += 1) {
      clock.now += series.one([0.5, 1, 100]);
      const commits = series.commits();
      const results = [];
      for (const store of stores)
        results.push(
          (await Promise.allSettled(commits.map((commit) => store.commit(commit).synced))).map((result) =>
            result.status === 'fulfilled' ? 'ok' : String(result.reason),
          ),
        );
      expect(results[1], JSON.stringify(commits)).toEqual(results[0]);
      expect(results[2], JSON.stringify(commits)).toEqual(results[0]);
      expect(new Set(results[0])).toEqual(commits.length === 0 ? new Set() : new Set(['ok']));
    }
    const wanted = await seen(stores[0]);
    expect(await seen(stores[1])).toEqual(wanted);
    expect(await seen(stores[2])).toEqual(wanted);
    for (const store of stores.slice(0, 2)) expect(await audited(store)).toEqual([]);
    // Its journal ends where a transaction is open that is older: also one of another test on the same server.
    await vi.waitFor(async () => expect(await audited(stores[2])).toEqual([]), { timeout: 60_000 });
    for (const store of stores) await store.close();
    for (let times = 0; times < 2; times += 1) {
      const again = await opened(json);
      expect(await seen(again)).toEqual(wanted);
      await again.close();
    }
    rmSync(dir, { recursive: true, force: true });
  });
});
