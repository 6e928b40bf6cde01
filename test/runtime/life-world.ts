import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  agent,
  createSignalbox,
  Dispatcher,
  defineFilter,
  type HistoryEntry,
  installAgent,
  type Job,
  type JobDefinition,
  type Logger,
  local,
  memoryStore,
  type Signalbox,
  SignalboxError,
  type Store,
} from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { VirtualReactor } from 'signalbox/testing';
import { Audit } from '../../src/testing/simulate/audit/audit.ts';
import { lifeJobs, turns } from '../simulate/life-jobs.ts';

/** What can happen. Numbers name a job, dispatcher, queue … by its place in the list of those there are. */
export type Act =
  | { readonly act: 'put'; readonly job: Draft }
  | { readonly act: 'transaction'; readonly jobs: readonly Draft[]; readonly aborts: boolean }
  | { readonly act: 'pull' | 'remove' | 'fail' | 'annotate'; readonly at: number }
  | { readonly act: 'addCallback'; readonly at: number; readonly kind: number }
  | { readonly act: 'advance'; readonly seconds: number }
  | { readonly act: 'activate' | 'deactivate' | 'abandon' | 'restart' | 'replace'; readonly at: number }
  | { readonly act: 'falseDeath'; readonly at: number; readonly queue: number }
  | { readonly act: 'resizeAgent'; readonly at: number; readonly size: number }
  | { readonly act: 'resizeQuota'; readonly at: number; readonly size: number }
  | { readonly act: 'reopen'; readonly graceS: number };

/** A job to put. */
export interface Draft {
  readonly kind: number;
  readonly queue: number;
  /** Seconds until it may start. */
  readonly after: number;
  /** Seconds within which it must start; 0 without limit. */
  readonly by: number;
  readonly quotas: number;
  readonly callbacks: readonly number[];
  readonly pairs: boolean;
}

const queues = ['a', 'b', 'inner'] as const;
const quotaNames = ['few', 'fewer'] as const;

/** Dispatchers are declared dead here on purpose, to test that their jobs are taken over. */
const auditOptions = { boxPrefix: 'box', allowsFalseDeaths: true };

/** One Signalbox after the other on one store, with everything that happens to it. */
export class World {
  readonly reactor = new VirtualReactor();
  readonly audit = new Audit(auditOptions);
  readonly problems: string[] = [];
  /** The journal of the life, once it rests. */
  readonly entries: HistoryEntry[] = [];
  readonly #directory: string | null;
  readonly #store: Store;
  readonly #calls = new Map<string, number>();
  readonly #acknowledged = new Set<string>();
  readonly #aborted: string[] = [];
  readonly #jobs: string[] = [];
  readonly #kinds: readonly JobDefinition<readonly [], unknown>[];
  #box: Signalbox | null = null;
  #dispatchers: Dispatcher[] = [];
  #uuids = ['d1', 'd2', 'd3'];
  #ids = 0;

  constructor(kind: 'memory' | 'json') {
    this.#directory = kind === 'memory' ? null : mkdtempSync(join(tmpdir(), 'signalbox-life-'));
    this.#store =
      this.#directory === null
        ? memoryStore()
        : jsonStore(join(this.#directory, 'store'), { checkpointMinBytes: 16 * 1024 });
    const kinds = lifeJobs(
      () => ({ count: this.#called(), ended: () => {} }),
      () => this.box.queue('inner'),
    );
    // A life rests for a shorter time than that job lasts.
    this.#kinds = kinds.filter((kind) => kind.definition.name !== 'longer');
  }

  get box(): Signalbox {
    if (this.#box === null) throw new Error('the box is closed');
    return this.#box;
  }

  #called(): number {
    const id = local.getJob()?.id ?? '?';
    const calls = (this.#calls.get(id) ?? 0) + 1;
    this.#calls.set(id, calls);
    return calls;
  }

  /** How many kinds of job there are. */
  static readonly kinds = 15;

  async open(): Promise<void> {
    const { reactor } = this;
    const notPlain = defineFilter('notPlain', (job) => job.name !== 'plain');
    const box = await createSignalbox({
      store: this.#store,
      reactor,
      jobs: this.#kinds as readonly JobDefinition<never, unknown>[],
      queues,
      filters: [notPlain],
      retryPolicies: { turns },
      ids: { newId: () => this.#newId(), newUuid: () => `u${this.#newId()}` },
      uuid: 'box',
      logger: this.#logger(),
    });
    this.#box = box;
    reactor.attach(box);
    installAgent(box, { name: 'main', settings: agent({ size: 2 }), queues: ['a'] });
    installAgent(box, {
      name: 'odd',
      settings: agent({ size: 1, filter: { jobs: ['slow', 'plain'] } }),
      queues: ['a'],
    });
    installAgent(box, { name: 'main', settings: agent({ size: 1 }), queues: ['b', 'inner'] });
    installAgent(box, { name: 'notPlain', settings: agent({ size: 1, filter: notPlain }), queues: ['b'] });
    for (const queue of ['a', 'b']) {
      const { quotas } = box.queue(queue);
      for (const name of (await quotas.names()).length > 0 ? [] : quotaNames)
        await quotas.create(name, { size: name === 'few' ? 2 : 1 });
    }
    reactor.run();
    this.#dispatchers = this.#uuids.map((uuid) => new Dispatcher(box, { uuid }));
    for (const dispatcher of this.#dispatchers) dispatcher.activate();
    await reactor.runUntilIdle();
  }

  #newId(): string {
    this.#ids += 1;
    return `j${this.#ids}`;
  }

  #logger(): Logger {
    const none = (): void => {};
    const fatal: Logger['fatal'] = (_fields, message) => {
      if (/unexpected error in worker|could not|cannot be read/.test(message)) this.problems.push(message);
    };
    const error: Logger['error'] = (_fields, message) => {
      // What a stop cuts off is done by the next process.
      if (message.includes('got a closed one')) return;
      if (/was to follow|was not filed|did not get the outcome/.test(message)) this.problems.push(message);
    };
    return { debug: none, info: none, warn: none, error, fatal };
  }

  async perform(act: Act): Promise<void> {
    try {
      await this.#perform(act);
    } catch (error) {
      // What the present state does not allow is refused, and said so; everything else is a fault.
      if (!(error instanceof SignalboxError) || /^(INVALID_|ARGS_|STORE_)/.test(error.code)) throw error;
    }
  }

  async #perform(act: Act): Promise<void> {
    const { box, reactor } = this;
    switch (act.act) {
      case 'put':
        await this.#put(act.job);
        break;
      case 'transaction':
        await this.#transaction(act.jobs, act.aborts);
        break;
      case 'pull':
        // Not from `inner`: a job that waits for a pulled job waits until that is put again.
        await this.#pull(pick(['a', 'b'], act.at));
        break;
      case 'remove': {
        const job = await this.#job(act.at);
        const place = await job.place();
        await box.queue(place.queue ?? 'a').remove(job);
        break;
      }
      case 'fail':
        await reactor.until((await this.#job(act.at)).fail(new Error('from outside')));
        break;
      case 'annotate':
        await (await this.#job(act.at)).setAnnotation('note', act.at);
        break;
      case 'addCallback': {
        const job = await this.#job(act.at);
        const callback = pick(this.#kinds, act.kind)();
        // On a completed job the callback is performed, which may take its time.
        await reactor.until(job.addCallback(callback));
        break;
      }
      case 'advance':
        await reactor.advance(act.seconds * 1000);
        break;
      case 'activate':
        this.#dispatcher(act.at).activate();
        break;
      case 'deactivate':
        await reactor.until(this.#dispatcher(act.at).deactivate());
        break;
      case 'abandon':
        this.#dispatcher(act.at).abandon();
        break;
      case 'restart':
        this.#dispatcher(act.at).abandon();
        this.#dispatcher(act.at).activate();
        break;
      case 'replace':
        this.#replace(act.at);
        break;
      case 'falseDeath': {
        const { uuid } = this.#dispatcher(act.at);
        await (await box.queue(pick(queues, act.queue)).dispatchers.get(uuid)).deactivate();
        break;
      }
      case 'resizeAgent': {
        const { uuid } = this.#dispatcher(act.at);
        const { agents } = await box.queue('a').dispatchers.get(uuid);
        await agents.set('main', agent({ size: act.size }));
        break;
      }
      case 'resizeQuota':
        await box
          .queue(pick(['a', 'b'], act.at))
          .quotas.set(pick(quotaNames, act.at >> 1), { size: act.size });
        break;
      case 'reopen':
        await reactor.until(box.stop({ grace: `${act.graceS}s` }));
        await this.open();
        break;
    }
  }

  /** A system job is put back: a program that takes it out has to decide about its job itself. */
  async #pull(queue: string): Promise<void> {
    const { box } = this;
    const first = await box.queue(queue).pull(0);
    if (first.name.startsWith('signalbox.')) await box.queue(queue).put(first);
  }

  /** A crash, and another process in its place under a new UUID. */
  #replace(at: number): void {
    const dispatcher = this.#dispatcher(at);
    dispatcher.abandon();
    this.box.popDispatcher(dispatcher.uuid);
    const uuid = `d${this.#newId()}`;
    this.#uuids[at % 3] = uuid;
    this.#dispatchers[at % 3] = new Dispatcher(this.box, { uuid });
    this.#dispatchers[at % 3]?.activate();
  }

  #dispatcher(at: number): Dispatcher {
    return pick(this.#dispatchers, at);
  }

  async #job(at: number): Promise<Job<unknown>> {
    const id = pick(this.#jobs.length > 0 ? this.#jobs : ['none'], this.#jobs.length - 1 - (at % 12));
    return this.box.job(id).refresh();
  }

  async #draft(draft: Draft): Promise<Job<unknown>> {
    const definition = pick(this.#kinds, draft.kind);
    const job = definition().with({
      id: this.#newId(),
      ...(draft.after > 0 ? { beginAfter: `${draft.after}s` } : {}),
      ...(draft.by > 0 ? { beginBy: `${draft.by}s` } : {}),
      quotaNames:
        draft.queue % 3 === 2 ? [] : quotaNames.filter((_, index) => (draft.quotas & (1 << index)) > 0),
    });
    if (draft.pairs)
      await job.addCallbacks({ success: pick(this.#kinds, 0)(), failure: pick(this.#kinds, 2)() });
    for (const kind of draft.callbacks) await job.addCallback(pick(this.#kinds, kind)());
    return job;
  }

  #remember(job: Job<unknown>): void {
    this.#acknowledged.add(job.id ?? '');
    this.#jobs.push(job.id ?? '');
  }

  async #put(draft: Draft): Promise<void> {
    const job = await this.#draft(draft);
    await this.box.queue(pick(queues, draft.queue)).put(job);
    this.#remember(job);
  }

  async #transaction(drafts: readonly Draft[], aborts: boolean): Promise<void> {
    const jobs: Job<unknown>[] = [];
    const abort = new Error('aborted');
    try {
      await this.box.transaction(async (tx) => {
        for (const draft of drafts) {
          const job = await this.#draft(draft);
          jobs.push(job);
          await tx.queue(pick(queues, draft.queue)).put(job);
        }
        if (aborts) throw abort;
      });
    } catch (error) {
      for (const job of jobs) this.#aborted.push(job.settings.id ?? '');
      if (error !== abort) throw error;
      return;
    }
    for (const job of jobs) this.#remember(job);
  }

  /** Faults stop, time passes, and everything is looked at. */
  async rest(): Promise<void> {
    const { box, reactor, audit } = this;
    for (const dispatcher of this.#dispatchers) {
      try {
        dispatcher.activate();
      } catch (error) {
        if (!(error instanceof SignalboxError)) throw error;
      }
    }
    // Two at least: code whose job was reassigned runs until it is done, after 70 s at most.
    for (let round = 0; round < 10 && (round < 2 || !(await this.#isOver())); round += 1)
      await reactor.advance('60s');
    // Code that was left behind runs until it is done, after 40 s at most.
    await reactor.advance('60s');
    for await (const entry of box.entries()) {
      audit.follow(entry);
      this.entries.push(entry);
    }
    audit.checkRest();
    await audit.compare(box.store);
    this.#checkCalls();
    for (const queue of queues) {
      for (const { uuid } of await box.queue(queue).dispatchers.all()) {
        const held = await box.store.held(queue, uuid, null);
        if (held.length > 0) this.problems.push(`${queue}/${uuid} holds ${held.map(({ id }) => id)}`);
      }
    }
    await reactor.until(box.stop());
    this.#box = null;
    if (reactor.pending > 0) this.problems.push(`${reactor.pending} timed calls are pending after stop`);
    await this.#compareReopened();
  }

  async #isOver(): Promise<boolean> {
    const jobs = await this.box.store.list('job', '');
    return jobs.every(({ state }) => state === 'completed' || state === 'new');
  }

  /** What the next process reads is what the journal says. */
  async #compareReopened(): Promise<void> {
    const ports = {
      now: () => this.reactor.now(),
      defer: setImmediate,
      newId: () => this.#newId(),
      report: () => {},
    };
    const store = await this.#store.open(ports);
    const audit = new Audit(auditOptions);
    for await (const entry of store.entries(1)) audit.follow(entry);
    await audit.compare(store);
    this.problems.push(...audit.problems.map((problem) => `reopened: ${problem}`));
    await store.close();
  }

  #checkCalls(): void {
    const { audit, problems } = this;
    // I1 and I2.
    for (const id of this.#acknowledged) if (audit.job(id) === undefined) problems.push(`job ${id} is lost`);
    for (const id of this.#aborted)
      if (audit.job(id) !== undefined) problems.push(`job ${id} was aborted and is there`);
    // I5.
    for (const [id, calls] of this.#calls) {
      const job = audit.job(id);
      const attempts = Number(job?.fields.attempts ?? 0);
      if (calls > attempts) problems.push(`job ${id} was called ${calls} times in ${attempts} attempts`);
      if (String(job?.fields.name).startsWith('never') && calls > 1)
        problems.push(`job ${id} was called ${calls} times`);
    }
    for (const { id, fields } of audit.jobs()) {
      const isOurs = !String(fields.name).startsWith('signalbox.');
      if (isOurs && fields.ending === 'succeeded' && !this.#calls.has(id))
        problems.push(`job ${id} succeeded and was never called`);
    }
    problems.push(...audit.problems);
  }

  async close(): Promise<void> {
    if (this.#box !== null) await this.#box.stop();
    if (this.#directory !== null) rmSync(this.#directory, { recursive: true, force: true });
  }
}

function pick<Item>(items: readonly Item[], at: number): Item {
  return items[((at % items.length) + items.length) % items.length] as Item;
}
