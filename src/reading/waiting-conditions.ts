import type { Snoozed } from '../../machines/job.context.ts';
import { isTooLate, latestStart } from '../model/jobs/deadline.ts';
import { pauseOf } from '../model/jobs/pauses.ts';
import { defaultAgingMs } from '../model/jobs/priority.ts';
import { forEver, openLimit, opensAt } from '../model/jobs/rate.ts';
import { isReadable } from '../model/jobs/step.ts';
import { limitsIn, verdictOn } from '../store/rules/claim-verdict.ts';
import type { Acceptance } from '../store/store.ts';
import { durationText } from '../time.ts';
import { anyAgent, isAtWork, ofAgent, pauseText, room, whenDue, whyIdle } from './agent-conditions.ts';
import { type Condition, condition, type Ref, type Verdict } from './explanation.ts';
import { instantText } from './stop-words.ts';
import type { QuotaFacts, WaitingFacts } from './waiting-facts.ts';

/**
 * All that a claim asks of a waiting job, in the order in which it decides; what must be repaired comes before what passes by
 * itself. Pure: it asks `verdictOn`, as each claim does.
 */
export function conditionsOf(facts: WaitingFacts): readonly Condition[] {
  return [
    sound(facts),
    due(facts),
    paused(facts),
    definition(facts),
    policy(facts),
    dispatchers(facts),
    anyAgent(facts),
    ...facts.quotas.flatMap((quota) => ofQuota(facts, quota)),
    room(facts),
    late(facts),
    ...facts.agents.map((agent) => ofAgent(facts, agent)),
    level(facts),
    place(facts),
  ].filter((condition) => condition !== null);
}

/** The first condition that does not hold; when all that is known holds, the first that cannot be known here. */
export function verdictOf(conditions: readonly Condition[]): Verdict {
  const all = conditions.filter(
    ({ code }) => code !== 'place' && code !== 'level' && !code.startsWith('agent:'),
  );
  const first = all.find(({ holds }) => holds === false) ?? all.find(({ holds }) => holds === null);
  if (first !== undefined)
    return { code: first.code, text: first.text, remedy: first.remedy ?? 'Wait longer.' };
  return {
    code: 'offered',
    text: 'an agent can take it',
    remedy: 'Wait for the next claim, or look at its history and at the log.',
  };
}

function sound({ job }: WaitingFacts): Condition | null {
  if (isReadable(job)) return null;
  const keys = (job.unsound ?? []).map(([key]) => key).join(', ');
  const text = `it is in quarantine: this version cannot read ${keys || `state ${job.state}`}`;
  return condition('sound', false, text, 'See JOB_QUARANTINED in docs/errors.md.');
}

function due({ job, now }: WaitingFacts): Condition {
  const { beginAfter, snoozed } = job;
  if (beginAfter === null || beginAfter <= now) return condition('due', true, 'it may begin');
  const off = snoozed === null ? '' : snoozeWords(snoozed);
  const text = `it begins at ${instantText(beginAfter)}, in ${durationText(beginAfter - now)}${off}`;
  return condition('due', false, text, 'Wait until then.');
}

function snoozeWords({ times, reason }: Snoozed): string {
  const last = times === 1 ? '' : 'the last time ';
  const why = reason === null ? '' : `, ${last}because: ${reason}`;
  return `; its code has put it off ${times === 1 ? 'once' : `${times} times`}${why}`;
}

/** A job that is too late is failed all the same. */
function paused({ job, queue, settings, now }: WaitingFacts): Condition | null {
  const pause = isTooLate(job, now) ? null : pauseOf(job.name, settings?.pauses ?? [], now);
  if (pause === null) return null;
  const what = pause.job === null ? `queue '${queue}' is` : `jobs ${pause.job} of queue '${queue}' are`;
  const option = pause.job === null ? '' : `{ job: '${pause.job}' }`;
  const remedy = `Wait until it is resumed: queue.resume(${option}).`;
  return condition('paused', false, `${what} ${pauseText(pause)}`, remedy, [{ kind: 'queue', id: queue }]);
}

/** A job that is too late is failed by whichever process claims it: its code is not called. */
function definition({ job, names, isShared, now }: WaitingFacts): Condition | null {
  if (names === null || isTooLate(job, now)) return null;
  const is = `its definition '${job.name}' is`;
  if (names.definition(job.name)) return condition('definition', true, `${is} known`);
  const repair = 'Pass it to createSignalbox({ jobs }), or start a process that knows it.';
  return isShared
    ? condition('definition', null, `${is} not known to this process, maybe to another one`, repair)
    : condition('definition', false, `${is} not known to this process`, repair);
}

function policy({ job, names, isShared, now }: WaitingFacts): Condition | null {
  if (names === null || isTooLate(job, now) || !names.definition(job.name) || names.policy(job)) return null;
  const text = 'the retry policy that it names is not known to this process';
  return condition('policy', isShared ? null : false, text, 'Pass it to createSignalbox({ retryPolicies }).');
}

function dispatchers({ queue, representations, now }: WaitingFacts): Condition {
  const refs = representations.map(({ id }): Ref => ({ kind: 'representation', id }));
  const working = representations.filter((each) => isAtWork(each, now));
  if (working.length > 0) {
    const names = working.map(({ dispatcher }) => dispatcher).join(', ');
    return condition(
      'dispatchers',
      true,
      `a dispatcher is at work in queue '${queue}': ${names}`,
      null,
      refs,
    );
  }
  const text = `no dispatcher is at work in queue '${queue}'`;
  if (representations.length === 0)
    return condition('dispatchers', false, text, 'Call box.start() in a process that knows the job.');
  const which = representations.map((each) => `${each.dispatcher} ${whyIdle(each, now)}`).join(', ');
  return condition('dispatchers', false, `${text}: ${which}`, 'Start one: box.start().', refs);
}

/** What a quota says to a job, or one key of it: whether a slot is free, and whether it is open. */
function ofQuota(facts: WaitingFacts, quota: QuotaFacts): readonly Condition[] {
  const { rate, size } = quota.record;
  const conditions = size === null ? [] : [slots(facts, quota, size)];
  if (rate !== null || quota.state.closedUntil !== null) conditions.push(opening(facts, quota));
  return conditions;
}

function slots(facts: WaitingFacts, { id, record, holders }: QuotaFacts, size: number): Condition {
  const isFull = isHeldUp(facts, { id, record, holders, state: openLimit }, true);
  const what = nameIn(facts, id);
  const parked = isFull && id !== record.id ? ', and it is parked behind it' : '';
  const text = `${what} ${isFull ? 'is full' : 'has a slot'}: ${holders.length} of ${size}${parked}`;
  const refs: readonly Ref[] = [
    { kind: 'quota', id: record.id },
    ...holders.slice(0, 20).map((holder): Ref => ({ kind: 'job', id: holder })),
  ];
  const remedy = 'Wait until a holder ends, or enlarge it: queue.quotas.set.';
  return condition(`quota:${id}`, !isFull, text, remedy, refs);
}

function opening(facts: WaitingFacts, quota: QuotaFacts): Condition {
  const { id, record, state } = quota;
  const code = `opens:${id}`;
  const refs: readonly Ref[] = [{ kind: 'quota', id: record.id }];
  const what = nameIn(facts, id);
  if (!isHeldUp(facts, quota, false)) return condition(code, true, `${what} is open`, null, refs);
  const { closedUntil } = state;
  const at = opensAt(record.rate, state, facts.now);
  if (closedUntil !== null && closedUntil >= at) {
    const until = at >= forEver ? 'until it is resumed' : `until ${instantText(at)}`;
    return condition(
      code,
      false,
      `${what} is closed ${until}`,
      'Wait until then, or call queue.resume.',
      refs,
    );
  }
  const text = `the rate of ${what} lets the next one begin at ${instantText(at)}`;
  return condition(code, false, text, 'Wait until then, or change it: queue.quotas.set.', refs);
}

/** Asks a claim, with everything else out of its way. */
function isHeldUp(
  facts: WaitingFacts,
  { id, record, holders, state }: QuotaFacts,
  isAboutSlots: boolean,
): boolean {
  const { size, rate } = record;
  const asked = isAboutSlots ? { size, rate: null } : { size: null, rate };
  const quotas = (other: string) => (other === id ? { ...asked, taken: holders.length, state } : undefined);
  const limits = limitsIn(facts.queue, quotas);
  const verdict = verdictOn(facts.job, { accepts: anything, now: whenDue(facts), limits });
  return 'obstacle' in verdict;
}

function nameIn({ queue }: WaitingFacts, id: string): string {
  const name = id.slice(queue.length + 1);
  const at = name.indexOf('/');
  return at < 0 ? `quota '${name}'` : `key '${name.slice(at + 1)}' of limit '${name.slice(0, at)}'`;
}

function late({ job, now }: WaitingFacts): Condition | null {
  const until = latestStart(job);
  if (until === null) return null;
  const isDeadline = until === job.deadline;
  if (!isTooLate(job, now)) {
    const text = isDeadline ? 'its deadline is at' : 'it must start by';
    return condition('late', true, `${text} ${instantText(until)}`);
  }
  const text = isDeadline
    ? `its deadline, ${instantText(until)}, has passed`
    : `it had to start by ${instantText(until)}`;
  return condition('late', false, `${text}: the next claim fails it`, 'Put it again with a later deadline.');
}

/** What its priority means for its place. */
function level({ job, settings }: WaitingFacts): Condition | null {
  const { priority } = job;
  if (priority === 0) return null;
  const agingMs = settings === undefined ? defaultAgingMs : settings.agingMs;
  const [much, side] = [
    durationText(Math.abs(priority * (agingMs ?? 0))),
    priority < 0 ? 'earlier' : 'later',
  ];
  const text =
    agingMs === null
      ? 'those of a lower one go first, those of a higher one after it'
      : `it counts as ready ${much} ${side} than it was`;
  return condition('level', true, `its priority is ${priority}: ${text}`);
}

function place({ before }: WaitingFacts): Condition | null {
  if (before === null) return null;
  if (before.n === 0) return condition('place', true, 'it is the next in its queue');
  const about = before.is === 'exact' ? '' : before.is === 'atMost' ? 'at most ' : 'at least ';
  const count = before.n === 1 ? '1 job is' : `${before.n.toLocaleString('en-US')} jobs are`;
  return condition('place', null, `${about}${count} offered before it`);
}

const anything: Acceptance = { lane: () => true, job: null };
