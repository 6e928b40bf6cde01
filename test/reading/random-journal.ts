import fc from 'fast-check';
import type { JobRecord, OpenStore } from 'signalbox';
import {
  annotation,
  type Change,
  CheckedStore,
  changeOf,
  put,
  quota,
  stored,
} from '../../src/testing/contract/checked-store.ts';
import { madeProxy } from '../store/made-records.ts';

/** One step of a random program: which one, and what chooses its details. */
export type Step = readonly [kind: number, one: number, other: number];

/** Random programs of up to so many steps. */
export function randomPrograms(most: number): fc.Arbitrary<readonly Step[]> {
  const nat = fc.nat(1000);
  return fc.array(fc.tuple(nat, nat, nat), { minLength: 10, maxLength: most });
}

const quotaNames = ['tokens', 'smtp'];
const agents = ['first', 'second'];

/** Makes random, legal changes to a store: jobs with callbacks, quotas, annotations, claims, ends and evictions, actors and mail. */
export class RandomProgram {
  readonly #store: CheckedStore;
  readonly #clock: { now: number };
  #made = 0;

  constructor(open: OpenStore, clock: { now: number }) {
    this.#store = new CheckedStore(open, clock);
    this.#clock = clock;
  }

  /** Makes one step. A step that finds nothing to do does nothing. */
  async make([kind, one, other]: Step): Promise<void> {
    this.#clock.now += one % 3;
    const steps = [
      () => this.#put(one, other),
      () => this.#put(other, one),
      () => this.#claim(one, other),
      () => this.#on('assigned', one, (job) => this.#store.start(job.id)),
      () => this.#on('active.running', one, (job) => this.#end(job, other)),
      () => this.#on('active.running', one, (job) => this.#store.putBack(job.id, job.claim + 1)),
      () => this.#on('', one, (job) => this.#belonging(job, other)),
      () => this.#settings(one, other),
      () => this.#on('completed', one, (job) => this.#evict(job)),
      () => this.#actor(one, other),
      () => this.#message(one, other),
    ];
    await steps[kind % steps.length]?.();
  }

  async #on(state: string, one: number, act: (job: JobRecord) => Promise<void>): Promise<void> {
    const jobs = (await this.#store.open.list('job', '')).filter(
      (job) => state === '' || job.state === state,
    );
    const job = jobs[one % Math.max(1, jobs.length)];
    if (job !== undefined) await act(job);
  }

  #put(one: number, other: number): Promise<void> {
    const { now } = this.#clock;
    const changes: Change[] = [];
    for (let count = 0; count <= one % 3; count += 1) {
      this.#made += 1;
      changes.push(
        put(`j${this.#made}`, {
          name: other % 2 === 0 ? 'mail' : 'report',
          queue: one % 4 === 0 ? 'side' : '',
          at: now,
          beginAfter: other % 5 === 0 ? now + 5 : now,
          beginBy: other % 7 === 0 ? now + 100 : null,
          quotaNames: quotaNames.filter((_name, at) => (other + count) % 4 === at),
        }),
      );
    }
    return this.#store.commit(changes);
  }

  async #claim(one: number, other: number): Promise<void> {
    const queue = other % 4 === 0 ? 'side' : '';
    await this.#store.claim({ queue, limit: 1 + (other % 3), agent: agents[one % 2] ?? '' });
  }

  async #end(job: JobRecord, other: number): Promise<void> {
    if (other % 3 > 0) return this.#store.finish(job.id);
    const jobs = await this.#store.open.list('job', '');
    const on = jobs[other % jobs.length]?.id ?? '';
    const waits = changeOf(job.id, 'job.await', 'active.running', 'active.waiting', { waitingOn: on });
    const goesOn = changeOf(job.id, 'job.resume', 'active.waiting', 'active.running', { waitingOn: null });
    await this.#store.commit([waits]);
    if (other % 2 === 0) await this.#store.commit([goesOn]);
  }

  /** Gives a job a callback, a proxy with a branch, or an annotation; or takes an annotation. */
  async #belonging({ id }: JobRecord, other: number): Promise<void> {
    const name = `n${other % 2}`;
    const has = await this.#store.open.get('annotation', `${id}/${name}`);
    if (other % 4 === 0 && has !== undefined)
      return this.#store.commit([
        { ...annotation(id, name, 0), event: 'annotation.removed', patch: null, gone: true },
      ]);
    if (other % 4 < 2) return this.#store.commit([annotation(id, name, other)]);
    this.#made += 1;
    if (other % 4 === 2) return this.#store.commit([stored(`c${this.#made}`, { job: id })]);
    const proxy = `p${this.#made}`;
    return this.#store.commit([madeProxy(proxy, id, null), stored(`b${this.#made}`, { proxy })]);
  }

  async #settings(one: number, other: number): Promise<void> {
    const name = quotaNames[one % 2] ?? '';
    const change = quota(name, 1 + (other % 3));
    const isThere = (await this.#store.open.get('quota', change.id)) !== undefined;
    if (isThere && other % 3 === 0) await this.#store.commit([{ ...change, patch: null, gone: true }]);
    else
      await this.#store.commit([change, { ...change, kind: 'queue', id: 'side', patch: { createdAt: one } }]);
  }

  /** Starts an actor, or makes a step of it: it may be suspended, or end. */
  async #actor(one: number, other: number): Promise<void> {
    const id = `order/${one % 4}`;
    const machine = one % 4 === 3 ? 'parcel' : 'order';
    const has = await this.#store.open.get('actor', id);
    const gone = { kind: 'actor', id, event: 'evicted', from: null, to: null, patch: null } as const;
    if (has !== undefined && other % 9 === 0) return this.#store.commit([{ ...gone, gone: true }]);
    const status = ['active', 'active', 'suspended', 'done'][other % 4] ?? 'active';
    const patch = {
      machine,
      status,
      dueAt: other % 3 === 0 ? null : this.#clock.now + (other % 7),
      finishedAt: status === 'done' ? this.#clock.now : null,
      [`c:k${one % 3}`]: other % 5 === 0 ? null : other,
    };
    const [from, to] = [has?.state ?? null, `s${other % 3}`];
    await this.#store.commit([{ kind: 'actor', id, event: 'order.go', from, to, patch, arg: { one } }]);
  }

  /** Sends a message, or ends one that waits. */
  async #message(one: number, other: number): Promise<void> {
    const actor = `order/${one % 4}`;
    const [waiting] = await this.#store.open.mail(actor, 1);
    if (waiting !== undefined && other % 3 > 0) {
      const to = other % 3 === 1 ? 'taken' : 'dead';
      const patch = { endedAt: this.#clock.now };
      return this.#store.commit([
        { kind: 'message', id: waiting.id, event: `message.${to}`, from: 'waiting', to, patch },
      ]);
    }
    this.#made += 1;
    const machine = one % 4 === 3 ? 'parcel' : 'order';
    const patch = { actor, machine, event: { type: 'go', other }, at: this.#clock.now };
    const id = `${actor}#${this.#made}`;
    await this.#store.commit([
      { kind: 'message', id, event: 'message.put', from: null, to: 'waiting', patch },
    ]);
  }

  async #evict({ id }: JobRecord): Promise<void> {
    const { open } = this.#store;
    const gone = { event: 'evicted', from: null, to: null, patch: null, gone: true } as const;
    const names = (await open.annotations(id)).map((each) => each.id);
    await this.#store.commit([
      { kind: 'job', id, ...gone },
      ...names.map((name): Change => ({ kind: 'annotation', id: name, ...gone })),
    ]);
  }
}
