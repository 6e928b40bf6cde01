/*
 * Room: audit.
 *
 * Owns: What is checked while a simulation runs and after it: the invariants, on the journal and on the
 *   records.
 *
 * Invariant: The audit knows only what the journal says, never what the runtime believes.
 *
 * May import: oracle, world.
 */
import { isDeepStrictEqual } from 'node:util';
import type { HistoryEntry, OpenStore } from '../../../index.ts';
import { Oracle } from '../oracle/oracle.ts';
import { ActorAudit } from './actors/actor-audit.ts';
import type { Finding } from './actors/effects.ts';
import { overtaken, passedOver, pauseBroken } from './claim-order.ts';
import { differences } from './differences.ts';
import { holderChanges, holderEvents, isLegalPath } from './legal-paths.ts';
import { LimitAudit } from './limits.ts';
import { afterEntry, heldBy, isOpen, placeOf, type ReplayedRecord, workerOf } from './replayed-record.ts';
import { ScheduleAudit } from './schedules.ts';
import { UniqueAudit } from './unique.ts';
import { WaitAudit } from './waits.ts';

/** The assumptions of an audit. */
export interface AuditOptions {
  /** UUID prefix of boxes: a box decides about jobs that a system job handles, a dispatcher never does. */
  readonly boxPrefix: string;
  /** Whether a living dispatcher may be declared dead. Default false. */
  readonly allowsFalseDeaths?: boolean;
  /**
   * Whether each process opens the store by itself, as with a database: then seqs have gaps, entries of
   * different records come in any order, epochs do not follow each other, and pings need no entry. Default
   * false.
   */
  readonly hasPeers?: boolean;
  /** What machines would have done. Default: no machine is known, and steps of actors are not made anew. */
  readonly oracle?: Oracle;
}

/** Follows a whole journal and lists every entry that breaks an invariant. */
export class Audit {
  readonly records = new Map<string, ReplayedRecord>();
  /** One line each, with the number of the invariant and the entry. */
  readonly problems: string[] = [];
  /** The number of jobs that were put and have not ended. */
  openJobs = 0;
  readonly #options: AuditOptions;
  readonly #outcomes = new Set<string>();
  readonly #completions = new Set<string>();
  readonly #quotas = new Map<string, Set<string>>();
  readonly #agents = new Map<string, Set<string>>();
  readonly #largest = new Map<string, number>();
  /** When each job that has not ended was changed last. */
  readonly #changedAt = new Map<string, number>();
  readonly #limits: LimitAudit;
  readonly #schedules = new ScheduleAudit(this.records);
  readonly #waits = new WaitAudit();
  readonly #names = new UniqueAudit(this.records);
  readonly actors: ActorAudit;
  #seq = 0;

  constructor(options: AuditOptions) {
    this.#options = options;
    const { oracle = new Oracle([]), hasPeers = false } = options;
    this.#limits = new LimitAudit(this.records, hasPeers);
    this.actors = new ActorAudit({ records: this.records, oracle, hasPeers });
  }

  get #hasPeers(): boolean {
    return this.#options.hasPeers === true;
  }

  /** Seq of the newest entry. */
  get seq(): number {
    return this.#seq;
  }

  jobs(): ReplayedRecord[] {
    return [...this.records.values()].filter(({ kind }) => kind === 'job');
  }

  job(id: string): ReplayedRecord | undefined {
    return this.records.get(`job/${id}`);
  }

  /** From now on nothing fails: no job waits for longer than it has to. `isUp`: of dispatchers. */
  beCalm(now: number, pollMs: number, isUp: (dispatcher: string) => boolean): void {
    // Another process may be at a key of several, and what it does is seen late.
    if (!this.#hasPeers) this.#waits.begin(now, pollMs, isUp);
    this.actors.beCalm(now, pollMs);
  }

  follow(entry: HistoryEntry): void {
    this.#sayAll(this.actors.begin(entry));
    this.problems.push(...this.actors.late(entry.at));
    this.problems.push(
      ...this.#waits.look(entry.at, {
        records: this.records,
        agents: this.#agents,
        hasRoom: (job, at) => this.#limits.haveRoom(job, this.#quotas, at),
      }),
    );
    if (entry.seq !== this.#seq + 1 && !this.#hasPeers)
      this.#say(entry, `I3 seq ${entry.seq} follows ${this.#seq}`);
    this.#seq = Math.max(this.#seq, entry.seq);
    const key = `${entry.kind}/${entry.id}`;
    const before = this.records.get(key);
    if (entry.q !== (before?.lastSeq ?? 0)) this.#say(entry, `I3 names ${entry.q} as its last entry`);
    if (entry.kind === 'job') this.#checkJob(entry, before);
    else if (entry.kind === 'representation') this.#checkRepresentation(entry, before);
    for (const what of this.#schedules.follow(entry, before)) this.#say(entry, what);
    const after = afterEntry(entry, before);
    if (after === null) this.records.delete(key);
    else this.records.set(key, after);
    for (const what of this.#names.broken(entry, before)) this.#say(entry, what);
    this.#sayAll(this.actors.follow(entry, before, after));
    if (entry.kind === 'agent' && after !== null) {
      const size = Number(after.fields.size ?? 3);
      this.#largest.set(entry.id, Math.max(size, this.#largest.get(entry.id) ?? 0));
    }
    if (entry.kind !== 'job') return;
    this.#move(entry, before, after);
    if (isOpen(after)) this.#changedAt.set(entry.id, entry.at);
    else this.#changedAt.delete(entry.id);
  }

  #checkJob(entry: HistoryEntry, before: ReplayedRecord | undefined): void {
    // A job that is stored with its first event is NEW before it.
    const from = before === undefined ? entry.from : before.state;
    if (entry.from !== null && entry.from !== from) this.#say(entry, `I8 is ${from}`);
    if (before === undefined && entry.from !== null && entry.from !== 'new')
      this.#say(entry, 'I8 has no record');
    if (!isLegalPath(from, entry.event, entry.to)) this.#say(entry, 'I8 is not a legal path');
    this.#checkHolder(entry, before);
    this.#checkOnce(entry);
    this.#checkOrder(entry, before);
    if (entry.event === 'job.claim' && before !== undefined) this.#checkClaim(entry, before);
    this.#checkQuotas(entry, before);
    this.#checkCancelled(entry, before);
  }

  /** A job whose cancel was acknowledged begins no attempt after that. */
  #checkCancelled(entry: HistoryEntry, before: ReplayedRecord | undefined): void {
    const stop = before?.fields.stop as { readonly cause: string } | null | undefined;
    const begins = ['job.claim', 'job.start', 'job.retry', 'job.reschedule', 'callback.reset'];
    if (stop?.cause === 'cancel' && begins.includes(entry.event) && before?.state !== 'callbacks')
      this.#say(entry, 'I18 was cancelled');
  }

  /** No claim takes what is paused, and none a job while one that counts as ready before it could be taken. */
  #checkClaim(entry: HistoryEntry, before: ReplayedRecord): void {
    const [was, is] = [placeOf(before), entry.patch?.parent as Record<string, string> | undefined];
    if (was === null || !('queue' in was) || is === undefined) return;
    const agent = this.records.get(`agent/${is.queue}/${is.dispatcher}/${is.agent}`);
    const facts = {
      jobs: this.#openJobs(),
      queue: this.records.get(`queue/${was.queue}`),
      changedAt: ({ id }: ReplayedRecord) => this.#changedAt.get(id) ?? 0,
      // Another process may be at a key of several: then a claim passes its jobs over.
      hasRoom: (job: ReplayedRecord) =>
        (job.fields.keys == null || !this.#hasPeers) && this.#limits.haveRoom(job, this.#quotas, entry.at),
      slackMs: this.#hasPeers ? 5000 : 0,
    };
    const pause = pauseBroken(entry, before, facts);
    if (pause !== null) this.#say(entry, `I23 is paused since ${pause.at} by ${pause.job}`);
    const takesAny = (agent?.fields.selection as { readonly kind: string } | undefined)?.kind === 'any';
    if (!takesAny) return;
    const first = overtaken(entry, before, facts);
    if (first !== null) this.#say(entry, `I23 overtakes ${first.id}: ${JSON.stringify(first.fields)}`);
    const passed = passedOver(entry, before, facts);
    if (passed !== null) this.#say(entry, `I22 passes over ${passed.id}: ${JSON.stringify(passed.fields)}`);
  }

  #openJobs(): ReplayedRecord[] {
    const jobs = [...this.#changedAt.keys()].map((id) => this.job(id));
    return jobs.filter((job) => job !== undefined);
  }

  /** The claim grows by one with every change of holder and at no other time, and a former holder writes nothing. */
  #checkHolder(entry: HistoryEntry, before: ReplayedRecord | undefined): void {
    const { event, by, patch } = entry;
    const claim = Number(before?.fields.claim ?? 0);
    if (patch?.claim !== undefined && patch.claim !== claim + 1) this.#say(entry, `I6 claim was ${claim}`);
    const isOlder = Number(patch?.epoch) < Number(before?.fields.epoch ?? 0);
    if (event === 'job.claim' && isOlder && !this.#hasPeers) this.#say(entry, 'I6 epoch went back');
    if (holderChanges.includes(event) && patch?.claim === undefined)
      this.#say(entry, 'I6 changes the holder and keeps the claim');
    const place = placeOf(before);
    if (place === null) return;
    // A job that waits for another is finished by the process that finished the other.
    const isHolders =
      holderEvents.includes(event) || (event === 'job.finish' && endsByCode(before?.state ?? null));
    if (isHolders && 'agent' in place) {
      const holder = `${place.dispatcher}#${before?.fields.epoch}`;
      if (by !== holder) this.#say(entry, `I6 is held by ${holder}`);
    }
    const isWorkers = holderEvents.includes(event) || event === 'job.finish';
    if (isWorkers && 'system' in place && !by.startsWith(this.#options.boxPrefix))
      this.#say(entry, 'I6 is handled by a system job');
  }

  /** One outcome and one completion, for jobs and callbacks alike. */
  #checkOnce(entry: HistoryEntry): void {
    const { id, patch } = entry;
    if (patch?.outcome != null) {
      if (this.#outcomes.has(id)) this.#say(entry, 'I4 a second outcome');
      this.#outcomes.add(id);
    }
    if (entry.event !== 'job.complete') return;
    if (this.#completions.has(id)) this.#say(entry, 'I4 a second completion');
    this.#completions.add(id);
    if (this.#hasUnstarted(id)) this.#say(entry, 'I9 a callback has not begun');
  }

  /** No job starts before its time or after its deadline, and no callback before the outcome of its parent. */
  #checkOrder(entry: HistoryEntry, before: ReplayedRecord | undefined): void {
    const { event, at, patch } = entry;
    if (event === 'job.claim' && before?.state === 'pending') {
      const beginAfter = Number(before.fields.beginAfter ?? 0);
      if (at < beginAfter) this.#say(entry, `I12 is ${beginAfter - at} ms early`);
      const beginBy = before.fields.beginBy;
      if (beginBy != null && at > beginAfter + Number(beginBy)) this.#say(entry, 'I12 is too late');
      const deadline = before.fields.deadline;
      if (deadline != null && at > Number(deadline)) this.#say(entry, 'I12 is beyond its deadline');
    }
    if (patch?.line === 'now' && Number(patch?.beginAfter ?? 0) > at)
      this.#say(entry, `I12 is put for now and begins ${Number(patch?.beginAfter) - at} ms later`);
    const place = placeOf(before);
    if (event === 'job.start' && before?.state === 'new' && place !== null && 'job' in place) {
      if (this.job(place.job)?.fields.outcome == null) this.#say(entry, 'I9 begins before its parent ended');
    }
    const inner = before?.fields.waitingOn as string | null | undefined;
    if (event !== 'job.finish' || inner == null || inner === 'promise') return;
    // One that is interrupted waits no longer than its deadline.
    if (patch?.ending === 'expired' && at >= Number(before?.fields.deadline ?? Infinity)) return;
    if (!isDeepStrictEqual(this.job(inner)?.fields.outcome, patch?.outcome))
      this.#say(entry, `I11 has another outcome than ${inner}`);
  }

  /** No job enters a full quota, and none begins before its rate allows it. */
  #checkQuotas(entry: HistoryEntry, before: ReplayedRecord | undefined): void {
    for (const what of this.#limits.entering(entry, this.#quotas)) this.#say(entry, what);
    if (entry.event !== 'job.claim' || before?.state !== 'pending') return;
    for (const what of this.#limits.beginning(entry)) this.#say(entry, what);
    const overtaken = this.#limits.overtaken(before, this.records.values());
    if (overtaken !== null) this.#say(entry, `I22 overtakes job ${overtaken}, which has the same keys`);
  }

  /** Only dead dispatchers are deactivated by others, unless the store was opened again since their activation. */
  #checkRepresentation(entry: HistoryEntry, before: ReplayedRecord | undefined): void {
    const sign = Math.max(Number(entry.patch?.lastPing ?? 0), Number(entry.patch?.activated ?? 0));
    if (sign > entry.at) this.#say(entry, `I13 is a sign of life from ${sign - entry.at} ms later`);
    if (entry.event !== 'representation.deactivate' || this.#options.allowsFalseDeaths === true) return;
    const { dispatcher, epoch, activated, lastPing, pingDeathInterval } = before?.fields ?? {};
    const [by, epochNow] = entry.by.split('#');
    const isFormer = Number(epoch) < Number(epochNow) && !this.#hasPeers;
    if (by?.endsWith(String(dispatcher)) || isFormer) return;
    const silentMs = entry.at - Math.max(Number(activated ?? 0), Number(lastPing ?? 0));
    if (silentMs <= Number(pingDeathInterval))
      this.#say(entry, `I13 gave a sign of life ${silentMs} ms before`);
  }

  #hasUnstarted(id: string): boolean {
    for (const record of this.records.values()) {
      if (record.kind !== 'job' || record.state !== 'new') continue;
      const place = placeOf(record);
      if (place !== null && 'job' in place && place.job === id) return true;
    }
    return false;
  }

  #move(entry: HistoryEntry, before: ReplayedRecord | undefined, after: ReplayedRecord | null): void {
    this.openJobs += Number(isOpen(after)) - Number(isOpen(before));
    this.#limits.givesUp(entry, before, after);
    for (const quota of (before?.fields.quotas as readonly string[]) ?? [])
      this.#quotas.get(quota)?.delete(entry.id);
    for (const quota of (after?.fields.quotas as readonly string[]) ?? [])
      setOf(this.#quotas, quota).add(entry.id);
    const [was, is] = [heldBy(before), heldBy(after)];
    const worker = workerOf(before, this.records);
    if (worker !== null) this.#waits.note(entry, worker);
    if (was !== null) this.#agents.get(was)?.delete(entry.id);
    if (is === null) return;
    const held = setOf(this.#agents, is).add(entry.id);
    const size = this.#largest.get(is) ?? 0;
    if (was !== is && held.size > size) this.#say(entry, `I7 agent ${is} of size ${size} holds ${held.size}`);
  }

  /** At the end every job has ended, except those that were never put, and no agent or quota holds one. */
  checkRest(): void {
    this.#sayAll(this.actors.end());
    this.problems.push(...this.#names.rest(), ...this.actors.rest());
    for (const job of this.jobs()) {
      const { id, state, fields } = job;
      if (state === 'completed' || this.#restsWith(id)) continue;
      const forgotten = this.#limits.forgotten(job, this.#quotas);
      if (forgotten !== null) this.problems.push(`${forgotten.slice(0, 3)} job ${id}${forgotten.slice(3)}`);
      this.problems.push(`I14 job ${id} (${fields.name}) is ${state}: ${JSON.stringify(fields)}`);
    }
    for (const [agent, held] of this.#agents)
      if (held.size > 0) this.problems.push(`I14 agent ${agent} holds ${[...held]}`);
    for (const [quota, held] of this.#quotas)
      if (held.size > 0) this.problems.push(`I14 quota ${quota} holds ${[...held]}`);
  }

  /** Whether a job may stay NEW: it was pulled, its parent stays NEW, or it is a branch that was not chosen. */
  #restsWith(id: string): boolean {
    const job = this.job(id);
    if (job?.state !== 'new') return false;
    const place = placeOf(job);
    if (place === null) return true;
    if ('proxy' in place) {
      const proxy = this.records.get(`proxy/${place.proxy}`);
      const owner = placeOf(proxy);
      if (proxy?.fields.chosen != null) return proxy.fields.chosen !== id;
      return owner !== null && 'job' in owner && this.#restsWith(owner.job);
    }
    return 'job' in place && this.#restsWith(place.job);
  }

  /** At the end no tick is due for longer than `slackMs`. `now`: the clock of the store. */
  checkSchedules(now: number, slackMs: number): void {
    this.problems.push(...this.#schedules.forgotten(now, slackMs));
  }

  /** Compares the records of a store with its journal: each key that any entry named. */
  async compare(store: OpenStore): Promise<void> {
    this.#sayAll(this.actors.end());
    this.problems.push(...(await differences(this.records, store, this.#hasPeers)));
  }

  #sayAll(findings: Iterable<Finding>): void {
    for (const [entry, what] of findings) this.#say(entry, what);
  }

  #say(entry: HistoryEntry, what: string): void {
    const { seq, kind, id, event, from, to, by } = entry;
    const name = this.records.get(`${kind}/${id}`)?.fields.name ?? '';
    const [number, ...rest] = what.split(' ');
    this.problems.push(
      `${number} ${seq} ${kind} ${id} ${name} ${event} ${from}→${to} by ${by}: ${rest.join(' ')}`,
    );
  }
}

/** Whether a job in this state ends by its code: one that waits is finished by the process that finished the other. */
function endsByCode(state: string | null): boolean {
  return state !== 'active.waiting' && state?.startsWith('active.') === true;
}

function setOf(sets: Map<string, Set<string>>, key: string): Set<string> {
  const present = sets.get(key) ?? new Set();
  sets.set(key, present);
  return present;
}
