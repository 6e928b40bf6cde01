import { isTooLate } from '../model/jobs/deadline.ts';
import { filterAcceptsLane, filterOfJob, partRefusingLane, selectionText } from '../model/jobs/filter.ts';
import { pauseOf } from '../model/jobs/pauses.ts';
import { isDead } from '../model/monitoring/liveness.ts';
import type {
  AgentRecord,
  JobRecord,
  PauseMark,
  RepresentationRecord,
  Selection,
} from '../model/records/records.ts';
import { verdictOn } from '../store/rules/claim-verdict.ts';
import type { Acceptance } from '../store/store.ts';
import { type Condition, condition, type KnownNames, type Ref } from './explanation.ts';
import type { AgentFacts, WaitingFacts } from './waiting-facts.ts';

/** Whether a dispatcher is at work in the queue. */
export function isAtWork(record: RepresentationRecord | undefined, now: number): boolean {
  return record?.state === 'activated' && !isDead(record, now);
}

/** Why a dispatcher is not at work. */
export function whyIdle(record: RepresentationRecord, now: number): string {
  if (record.state === 'activated' && isDead(record, now))
    return record.lastPing === null
      ? 'gave no sign of life'
      : `has given no sign of life since ${new Date(record.lastPing).toISOString()}`;
  return record.state === 'registered' ? 'has not begun to work' : 'is stopped';
}

/** The instant from which on a claim looks at the job. */
export function whenDue({ job, now }: Pick<WaitingFacts, 'job' | 'now'>): number {
  return Math.max(now, job.beginAfter ?? 0);
}

/** Whether one agent takes it, were there slots. */
export function anyAgent(facts: WaitingFacts): Condition | null {
  const { queue, now } = facts;
  const working = facts.agents.filter(({ representation }) => isAtWork(representation, now));
  if (facts.agents.length === 0 || working.length === 0) {
    if (facts.representations.every((each) => !isAtWork(each, now))) return null;
    const text = `queue '${queue}' has no agent at work`;
    return condition('agents', false, text, 'Add one: box.start({ agent }), installAgent or agents.set.');
  }
  const answers = working.map((agent) => [agent, accepts(facts, agent)] as const);
  if (answers.some(([, { holds }]) => holds === true))
    return condition('agents', true, 'an agent accepts it', null, refsOf(working));
  const text = answers.map(([{ record }, { text }]) => `${nameOf(record)} (${text})`).join(', ');
  const isUnclear = answers.some(([, { holds }]) => holds === null);
  return condition(
    'agents',
    isUnclear ? null : false,
    `no agent of queue '${queue}' ${isUnclear ? 'certainly ' : ''}accepts it: ${text}`,
    answers.find(([, { remedy }]) => remedy !== undefined)?.[1].remedy ??
      'Change a filter, or add an agent that accepts it.',
    refsOf(working),
  );
}

/** The agents at work that may accept it, were there slots. */
export function willingAgents(facts: WaitingFacts): readonly AgentFacts[] {
  return facts.agents.filter(
    (agent) => isAtWork(agent.representation, facts.now) && accepts(facts, agent).holds !== false,
  );
}

/** Whether one of the agents that accept it has room. */
export function room(facts: WaitingFacts): Condition | null {
  const willing = willingAgents(facts);
  if (willing.length === 0) return null;
  const free = willing.filter(({ held, record }) => held < record.size);
  if (free.length > 0)
    return condition('room', true, 'an agent that accepts it has room', null, refsOf(free));
  const those = willing.map(({ record, held }) => `${nameOf(record)} (${held} of ${record.size})`).join(', ');
  const text = `every agent that accepts it is full: ${those}`;
  return condition('room', false, text, 'Wait longer, or enlarge one: agents.set.', refsOf(willing));
}

/** What one agent says to the job. */
export function ofAgent(facts: WaitingFacts, agent: AgentFacts): Condition {
  const { record, representation, held } = agent;
  const code = `agent:${record.id}`;
  const refs = refsOf([agent]);
  const name = `agent ${nameOf(record)}`;
  if (!isAtWork(representation, facts.now)) {
    const why = representation === undefined ? 'is not registered' : whyIdle(representation, facts.now);
    return condition(code, false, `${name}: its dispatcher ${why}`, 'Start it: box.start().', refs);
  }
  if (record.failure !== null) {
    const text = `${name} could not claim: ${record.failure.message}`;
    return condition(code, false, text, 'Repair its filter or chooser.', refs);
  }
  const { holds, text, remedy = 'Change its filter.' } = accepts(facts, agent);
  if (holds !== true) return condition(code, holds, `${name}: ${text}`, remedy, refs);
  const isFull = held >= record.size;
  const slots = `${held} of ${record.size}`;
  return condition(
    code,
    !isFull,
    `${name} ${isFull ? 'is full' : 'has room'}: ${slots}`,
    'Wait longer, or enlarge it: agents.set.',
    refs,
  );
}

/** Who has paused something, since when, why, and until when. */
export function pauseText({ by, at, reason, until }: PauseMark): string {
  const why = reason === null ? '' : `: ${reason}`;
  const end = until === null ? '' : `, until ${new Date(until).toISOString()}`;
  return `paused by ${by} since ${new Date(at).toISOString()}${end}${why}`;
}

/** Whether an agent accepts the job, quotas and time apart. */
function accepts(
  { job, names, now }: WaitingFacts,
  { record: { selection, paused } }: AgentFacts,
): { readonly holds: boolean | null; readonly text: string; readonly remedy?: string } {
  if (paused !== null && !isTooLate(job, now) && pauseOf(job.name, [{ job: null, ...paused }], now) !== null)
    return { holds: false, text: `is ${pauseText(paused)}`, remedy: 'Resume it: agents.resume.' };
  const accepted = { holds: true, text: selectionText(selection) };
  if (selection.kind === 'chooser') return { holds: null, text: `chooser '${selection.name}' decides` };
  if (selection.kind === 'filter' && names === null)
    return { holds: null, text: `filter '${selection.name}' is code that is not here` };
  try {
    const accepts = acceptanceOf(selection, names ?? noFilters, () => true);
    const verdict = verdictOn(job, { accepts, now: whenDue({ job, now }), limits: () => undefined });
    return 'obstacle' in verdict ? { holds: false, text: refusal(selection, job) } : accepted;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { holds: null, text: `filter cannot be asked: ${message}` };
  }
}

/** The part of a selection that refuses a job. Names what a filter compares, not the values: they are data of the program. */
function refusal(selection: Selection, { name, quotaNames }: JobRecord): string {
  if (selection.kind !== 'data') return `${selectionText(selection)} refuses it`;
  const { filter } = selection;
  const part = partRefusingLane(filter, name, quotaNames);
  if (part === 'jobs') return `jobs: ${filter.jobs?.join(' ')} does not match ${name}`;
  if (part === 'notJobs') return `notJobs: ${filter.notJobs?.join(' ')} matches ${name}`;
  if (part === 'quotas') return `quotas: it does not name ${filter.quotas?.join(' and ')}`;
  return `args: its arguments differ at ${Object.keys(filter.args ?? {}).join(' or ')}`;
}

/** `'main'`, as a program calls it. */
function nameOf(record: AgentRecord): string {
  return `'${agentName(record)}'`;
}

/** The name of an agent without its place. */
export function agentName({ id }: AgentRecord): string {
  return id.slice(id.lastIndexOf('/') + 1);
}

function refsOf(agents: readonly AgentFacts[]): readonly Ref[] {
  return agents.map(({ record: { id } }) => ({ kind: 'agent', id }));
}

const noFilters = {
  filter: (name: string): never => {
    throw new Error(`filter '${name}' is not known here`);
  },
};

/**
 * Which jobs a selection accepts, as a claim asks it. A chooser may take any. `isKnown`: whether the process that claims knows a
 * definition. @throws SignalboxError `UNKNOWN_FILTER`.
 */
export function acceptanceOf(
  selection: Selection,
  names: Pick<KnownNames, 'filter'>,
  isKnown: (definition: string) => boolean,
): Acceptance {
  if (selection.kind === 'filter') return { lane: isKnown, job: names.filter(selection.name).accepts };
  if (selection.kind !== 'data') return { lane: isKnown, job: null };
  const { filter } = selection;
  const lane: Acceptance['lane'] = (name, quotas) => filterAcceptsLane(filter, name, quotas) && isKnown(name);
  const accepts = { lane, job: filterOfJob(filter) };
  return filter.args === undefined ? accepts : { ...accepts, args: filter.args };
}
