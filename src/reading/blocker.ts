import { pauseOf } from '../model/jobs/pauses.ts';
import { forEver, opensAt } from '../model/jobs/rate.ts';
import type { JobRecord } from '../model/records/records.ts';
import type { StoreReader } from '../store/reader.ts';
import { agentName, isAtWork, willingAgents } from './agent-conditions.ts';
import type { KnownNames } from './explanation.ts';
import { conditionsOf, verdictOf } from './waiting-conditions.ts';
import {
  limitsOf,
  type QueueFacts,
  type QuotaFacts,
  queueFacts,
  quotaFacts,
  type WaitingFacts,
} from './waiting-facts.ts';

/** The one condition that a waiting job is blocked by, in a few words. */
export interface Blocker {
  /** The code of the condition that stops it; `offered` when none does. */
  readonly code: string;
  /** Whether that is so; false: it stops the job, null: it cannot be known here. */
  readonly holds: boolean | null;
  readonly text: string;
  /** The instant at which it passes by itself; null: not known. */
  readonly until: number | null;
}

/**
 * What blocks each of many waiting jobs: the verdict that `explainJob` comes to. Agents and quotas of a queue are read once for all
 * of them, and the place of none is asked, so a job costs a question to each agent.
 */
export class Blockers {
  readonly #reader: StoreReader;
  readonly #names: KnownNames | null;
  readonly #queues = new Map<string, QueueFacts>();
  readonly #quotas = new Map<string, QuotaFacts | undefined>();

  constructor(reader: StoreReader, names: KnownNames | null) {
    this.#reader = reader;
    this.#names = names;
  }

  /** Null: it waits in no queue. */
  async of(job: JobRecord): Promise<Blocker | null> {
    const { parent } = job;
    if (parent === null || !('queue' in parent) || 'agent' in parent) return null;
    const facts = await this.queue(parent.queue);
    const quotas: QuotaFacts[] = [];
    for (const id of limitsOf(job, parent.queue)) {
      const quota = await this.quota(id);
      if (quota !== undefined) quotas.push(quota);
    }
    return blockerOf({ ...facts, job, quotas, before: null });
  }

  async queue(name: string): Promise<QueueFacts> {
    const known = this.#queues.get(name) ?? (await queueFacts(this.#reader, name, this.#names));
    this.#queues.set(name, known);
    return known;
  }

  async quota(id: string): Promise<QuotaFacts | undefined> {
    if (!this.#quotas.has(id)) this.#quotas.set(id, await quotaFacts(this.#reader, id));
    return this.#quotas.get(id);
  }
}

/** The verdict on a waiting job in a few words. Pure. */
function blockerOf(facts: WaitingFacts): Blocker {
  const conditions = conditionsOf(facts);
  const { code } = verdictOf(conditions);
  const found = conditions.find((each) => each.code === code);
  const holds = found === undefined ? true : found.holds;
  const until = code === 'due' ? facts.job.beginAfter : opensOf(code, facts);
  return { code, holds, text: wordsOf(code, holds, facts), until };
}

function pausedUntil({ job, settings, now }: WaitingFacts): number | null {
  return pauseOf(job.name, settings?.pauses ?? [], now)?.until ?? null;
}

function wordsOf(code: string, holds: boolean | null, facts: WaitingFacts): string {
  if (code.startsWith('opens:'))
    return `limit ${code.slice('opens:'.length + facts.queue.length + 1)} closed`;
  if (code.startsWith('quota:')) return `quota ${code.slice('quota:'.length + facts.queue.length + 1)} full`;
  if (code === 'room') return ofAgents(willingAgents(facts), 'has no room', 'no agent has room');
  if (code === 'offered') {
    const free = namesOf(willingAgents(facts).filter(({ held, record }) => held < record.size));
    return free.length > 2 ? `offered to ${free.length} agents` : `offered to ${free.join(' and ')}`;
  }
  if (code !== 'agents') return plainWords[code] ?? code;
  if (holds === null) return 'not known whether an agent accepts it';
  const working = facts.agents.filter(({ representation }) => isAtWork(representation, facts.now));
  if (working.length === 0) return 'no agent at work';
  return ofAgents(working, 'refuses it', 'no agent accepts it');
}

/** When the limit opens that closes a job out; null: another condition stops it, or nothing opens it by itself. */
function opensOf(code: string, facts: WaitingFacts): number | null {
  const { quotas, now } = facts;
  if (code === 'paused') return pausedUntil(facts);
  const limit = quotas.find(({ id }) => code === `opens:${id}`);
  const at = limit === undefined ? forEver : opensAt(limit.record.rate, limit.state, now);
  return at < forEver ? at : null;
}

const plainWords: Readonly<Record<string, string>> = {
  sound: 'in quarantine',
  due: 'held until due',
  paused: 'paused',
  definition: 'definition is not known here',
  policy: 'retry policy is not known here',
  dispatchers: 'no dispatcher at work',
  late: 'too late to start',
};

function ofAgents(agents: WaitingFacts['agents'], what: string, otherwise: string): string {
  const names = namesOf(agents);
  return names.length === 1 ? `agent ${names[0]} ${what}` : otherwise;
}

function namesOf(agents: WaitingFacts['agents']): readonly string[] {
  return [...new Set(agents.map(({ record }) => agentName(record)))];
}
