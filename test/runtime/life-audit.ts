import { isDeepStrictEqual } from 'node:util';
import type { HistoryEntry, JobRecord, OpenStore } from 'signalbox';

/** What the journal says of one record: nothing of Signalbox is asked, patches are laid over each other. */
export interface Kept {
  readonly kind: string;
  readonly id: string;
  state: string | null;
  rev: number;
  lastSeq: number;
  fields: Record<string, unknown>;
}

/** The only ways of a status, written down by hand (behaviours §2.2). */
const legal: readonly string[] = [
  'null job.new new',
  'null callback.add new',
  'new job.put pending',
  'new job.start active.running',
  'new job.fail callbacks',
  'new callback.move new',
  'pending job.pull new',
  'pending job.claim assigned',
  'pending job.fail callbacks',
  'assigned job.start active.running',
  'assigned job.unassign pending',
  'assigned job.fail callbacks',
  'active.running job.retry active.running',
  'active.running job.wait active.waiting',
  'active.running job.finish callbacks',
  'active.waiting job.finish callbacks',
  ...['active.running', 'active.waiting'].flatMap((state) => [
    `${state} job.reschedule pending`,
    `${state} job.abort callbacks`,
    `${state} job.interrupt ${state}`,
    `${state} callback.reset new`,
    `${state} args.append ${state}`,
  ]),
  'callbacks job.complete completed',
  'callbacks job.interrupt callbacks',
  'callbacks job.claim callbacks',
  'completed job.claim completed',
  'completed job.file completed',
];

const changesHolder = ['job.claim', 'job.unassign', 'job.interrupt', 'job.reschedule', 'callback.reset'];

/** Follows a whole journal and lists everything that breaks an invariant (reliability.md §4.1). */
export class Audit {
  readonly records = new Map<string, Kept>();
  readonly problems: string[] = [];
  readonly #outcomes = new Map<string, number>();
  readonly #completions = new Map<string, number>();
  readonly #quotas = new Map<string, Set<string>>();
  readonly #agents = new Map<string, Set<string>>();
  readonly #largest = new Map<string, number>();
  #seq = 0;

  jobs(): Kept[] {
    return [...this.records.values()].filter(({ kind }) => kind === 'job');
  }

  job(id: string): Kept | undefined {
    return this.records.get(`job/${id}`);
  }

  follow(entry: HistoryEntry): void {
    if (entry.seq !== this.#seq + 1) this.#say(entry, `seq ${entry.seq} follows ${this.#seq}`);
    this.#seq = entry.seq;
    const key = `${entry.kind}/${entry.id}`;
    const before = this.records.get(key);
    if (entry.q !== (before?.lastSeq ?? 0)) this.#say(entry, `names ${entry.q} as its last entry`);
    if (entry.kind === 'job') this.#checkJob(entry, before);
    const after = applied(entry, before);
    if (after === null) this.records.delete(key);
    else this.records.set(key, after);
    if (entry.kind === 'agent' && after !== null) {
      const size = Number(after.fields.size ?? 3);
      this.#largest.set(entry.id, Math.max(size, this.#largest.get(entry.id) ?? 0));
    }
    if (entry.kind === 'job') this.#move(entry, before, after);
  }

  #checkJob(entry: HistoryEntry, before: Kept | undefined): void {
    const patch = entry.patch ?? {};
    // A job that is stored with its first event is NEW before it.
    const from = before === undefined ? entry.from : before.state;
    if (entry.from !== null && entry.from !== from) this.#say(entry, `is ${from}`); // I8
    if (before === undefined && entry.from !== null && entry.from !== 'new')
      this.#say(entry, 'has no record');
    const isSetting = entry.event.endsWith('.set') && from === entry.to;
    if (!isSetting && !legal.includes(`${from} ${entry.event} ${entry.to}`))
      this.#say(entry, 'is no legal way'); // I8

    // I6: the token only grows, by one with every change of holder, and a former holder writes nothing.
    const claim = Number(before?.fields.claim ?? 0);
    if (patch.claim !== undefined && patch.claim !== claim + 1) this.#say(entry, `claim was ${claim}`);
    if (entry.event === 'job.claim' && Number(patch.epoch) < Number(before?.fields.epoch ?? 0))
      this.#say(entry, 'epoch went back');
    const parent = before?.fields.parent as JobRecord['parent'] | undefined;
    const isHolders = ['job.start', 'job.retry', 'job.wait', 'job.reschedule'].includes(entry.event);
    if (isHolders && parent != null && 'agent' in parent) {
      const holder = `${parent.dispatcher}#${before?.fields.epoch}`;
      if (entry.by !== holder) this.#say(entry, `is held by ${holder}`);
    }

    // Of a job in the care of a system job the box decides, and no worker that still runs it.
    const isWorkers = isHolders || entry.event === 'job.finish';
    if (isWorkers && parent != null && 'system' in parent && !entry.by.startsWith('box#'))
      this.#say(entry, 'is in the care of a system job');
    if (changesHolder.includes(entry.event) && patch.claim === undefined)
      this.#say(entry, 'changes the holder and keeps the token');

    // I4 and I9: one outcome and one completion, for jobs and callbacks alike.
    if (patch.outcome != null) this.#once(this.#outcomes, entry, 'a second outcome');
    if (entry.event === 'job.complete') this.#once(this.#completions, entry, 'a second completion');
    if (entry.event === 'job.complete' && this.#hasUnstarted(entry.id))
      this.#say(entry, 'a callback has not begun');

    // I7: nothing enters a quota that is filled, nor an agent that is full.
    for (const quota of (patch.quotas as readonly string[] | undefined) ?? []) {
      const holders = this.#quotas.get(quota) ?? new Set();
      const size = Number(this.records.get(`quota/${quota}`)?.fields.size ?? Number.POSITIVE_INFINITY);
      if (!holders.has(entry.id) && holders.size >= size)
        this.#say(entry, `${quota} of size ${size} is filled by ${[...holders]}`);
    }
  }

  #hasUnstarted(id: string): boolean {
    return this.jobs().some(
      ({ state, fields }) =>
        state === 'new' && (fields.parent as { readonly job?: string } | null)?.job === id,
    );
  }

  #once(counts: Map<string, number>, entry: HistoryEntry, what: string): void {
    const count = (counts.get(entry.id) ?? 0) + 1;
    counts.set(entry.id, count);
    if (count > 1) this.#say(entry, what);
  }

  #move(entry: HistoryEntry, before: Kept | undefined, after: Kept | null): void {
    for (const quota of (before?.fields.quotas as readonly string[]) ?? [])
      this.#quotas.get(quota)?.delete(entry.id);
    for (const quota of (after?.fields.quotas as readonly string[]) ?? [])
      setOf(this.#quotas, quota).add(entry.id);
    const [was, is] = [heldBy(before), heldBy(after)];
    if (was !== null) this.#agents.get(was)?.delete(entry.id);
    if (is === null) return;
    const held = setOf(this.#agents, is).add(entry.id);
    const size = this.#largest.get(is) ?? 0;
    if (was !== is && held.size > size) this.#say(entry, `agent ${is} of size ${size} holds ${held.size}`);
  }

  /** I14: what nobody waits for is over, and nothing is held any more. `mayRest`: ids of jobs that were taken out. */
  checkRest(): void {
    for (const { id, state, fields } of this.jobs()) {
      if (state === 'completed' || this.#restsWith(id)) continue;
      this.problems.push(`job ${id} (${fields.name}) is ${state}: ${JSON.stringify(fields)}`);
    }
    for (const [agent, held] of this.#agents)
      if (held.size > 0) this.problems.push(`agent ${agent} holds ${[...held]}`);
    for (const [quota, holders] of this.#quotas)
      if (holders.size > 0) this.problems.push(`quota ${quota} holds ${[...holders]}`);
  }

  /** A job that was pulled rests as NEW, with its callbacks; so does a branch that was not chosen. */
  #restsWith(id: string): boolean {
    const job = this.job(id);
    if (job?.state !== 'new') return false;
    const parent = job.fields.parent as { readonly job?: string; readonly proxy?: string } | null | undefined;
    if (parent == null) return true;
    if (parent.proxy !== undefined) {
      const proxy = this.records.get(`proxy/${parent.proxy}`);
      return proxy?.fields.chosen != null ? proxy.fields.chosen !== id : this.#restsWith(jobOf(proxy));
    }
    return parent.job !== undefined && this.#restsWith(parent.job);
  }

  /** I3: the records of a store are what its journal says, each key that an entry ever named. */
  async compare(store: OpenStore): Promise<void> {
    for (const kind of ['job', 'queue', 'quota', 'representation', 'agent', 'proxy', 'annotation'] as const) {
      const stored = await store.list(kind, '');
      const kept = [...this.records.values()].filter((record) => record.kind === kind);
      if (stored.length !== kept.length)
        this.problems.push(
          `${stored.length} records of kind ${kind} are stored, ${kept.length} in the journal`,
        );
      for (const record of stored as unknown as readonly (Record<string, unknown> & { id: string })[]) {
        const model = this.records.get(`${kind}/${record.id}`);
        if (model === undefined) this.problems.push(`${kind} ${record.id} is not in the journal`);
        else this.#compareRecord(record, model);
      }
    }
  }

  #compareRecord(record: Record<string, unknown>, model: Kept): void {
    const told: Record<string, unknown> = { ...model.fields, rev: model.rev, lastSeq: model.lastSeq };
    if (model.state !== null) told.state = model.state;
    for (const [key, value] of Object.entries(told)) {
      if (isDeepStrictEqual(record[key], value)) continue;
      const shown = `${JSON.stringify(record[key])}, in the journal ${JSON.stringify(value)}`;
      this.problems.push(`${model.kind} ${model.id}: ${key} is ${shown}`);
    }
  }

  #say(entry: HistoryEntry, what: string): void {
    const { seq, kind, id, event, from, to, by } = entry;
    const name = this.records.get(`${kind}/${id}`)?.fields.name ?? '';
    this.problems.push(`${seq} ${kind} ${id} ${name} ${event} ${from}→${to} by ${by}: ${what}`);
  }
}

function applied(entry: HistoryEntry, before: Kept | undefined): Kept | null {
  if (entry.gone) return null;
  const fields = { ...before?.fields, ...entry.patch } as Record<string, unknown>;
  const order = fields.order as readonly [string, number] | null | undefined;
  if (order?.[1] === 0) fields.order = [order[0], entry.seq];
  return {
    kind: entry.kind,
    id: entry.id,
    state: entry.to ?? before?.state ?? null,
    rev: (before?.rev ?? 0) + 1,
    lastSeq: entry.seq,
    fields,
  };
}

/** The agent that holds a job: `<queue>/<uuid>/<name>`. */
function heldBy(job: Kept | null | undefined): string | null {
  const parent = job?.fields.parent as JobRecord['parent'] | undefined;
  if (parent == null || !('agent' in parent) || job?.fields.callbacksEnd != null) return null;
  return `${parent.queue}/${parent.dispatcher}/${parent.agent}`;
}

function jobOf(proxy: Kept | undefined): string {
  return String((proxy?.fields.parent as { readonly job?: string } | undefined)?.job);
}

function setOf(sets: Map<string, Set<string>>, key: string): Set<string> {
  const present = sets.get(key) ?? new Set();
  sets.set(key, present);
  return present;
}
