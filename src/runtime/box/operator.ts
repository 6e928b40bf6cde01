import type { Json } from '../../../machines/json.ts';
import { invalidOption } from '../../errors.ts';
import { checkKnown } from '../../model/checks/check-options.ts';
import { checkId, checkName, checkQueueName, checkReason, checkUuid } from '../../model/checks/names.ts';
import { storableText } from '../../model/checks/storable-text.ts';
import type { Priority } from '../../model/jobs/priority.ts';
import type { PutResult } from '../../model/jobs/unique/name-answer.ts';
import type { LastAction } from '../../model/records/records.ts';
import type { CommandItem } from '../actors/actor-items.ts';
import {
  type PauseOptions,
  pauseQueue,
  type QueuePauseOptions,
  resumeQueue,
  setAgentPause,
} from '../agents/pausing.ts';
import { putBulk } from '../builtin-jobs/bulk/bulk.ts';
import { BulkOperation } from '../builtin-jobs/bulk/bulk-operation.ts';
import type { BulkAction, BulkFilter, BulkOptions } from '../builtin-jobs/bulk/bulk-request.ts';
import { type CancelResult, cancelJob } from '../callbacks/cancel-job.ts';
import { retryJob } from '../callbacks/retry-job.ts';
import { BufferedUnit } from '../commits/buffered-unit.ts';
import { retryConflicts } from '../commits/retry.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import { command } from '../handles/actors/actor-commands.ts';
import { agentChanged } from '../handles/agents.ts';
import { Job } from '../handles/job.ts';
import { servicesOf } from '../handles/services.ts';
import {
  pauseSchedule,
  removeSchedule,
  resumeSchedule,
  triggerSchedule,
} from '../schedules/change-schedule.ts';

/** Who acts, and why. */
export interface OperateOptions {
  /** The name of the person: 1 to 200 characters. It stands in the audit, in what is paused, and in what is cancelled. */
  readonly user: string;
  /** Why: at most 1,000 characters. */
  readonly reason?: string;
  /**
   * Names one action, so that it can be sent again: within 10 minutes it is done once, and its answer is given again. 1 to 200
   * characters. Without it each call is an action of its own.
   */
  readonly key?: string;
}

/** What a retry gave: the id of a job, and whether that is a new one. */
export interface RetriedAs {
  readonly id: string;
  readonly result: PutResult;
  readonly [key: string]: Json;
}

/** One action: its name and its subject, the events that it leads to, and what it does in a unit of work. */
interface Action<Answer> {
  readonly name: string;
  readonly target: string;
  readonly events: readonly string[];
  act(unit: UnitOfWork): Promise<Answer>;
}

/** How long an action is known by its key. */
const knownMs = 10 * 60_000;

/**
 * Acts for a person: each call commits what it does together with a note of who did what, and why, in the record of the store, whose
 * history is the audit. What changes nothing leaves no note. Made by `box.operate`.
 */
export class Operator {
  readonly #work: UnitOfWork;
  readonly #who: { readonly user: string; readonly reason: string | null; readonly key: string | null };

  constructor(work: UnitOfWork, options: OperateOptions) {
    checkKnown(options, ['user', 'reason', 'key']);
    const { user, reason, key } = options;
    this.#work = work;
    this.#who = {
      user: checkShort(user, 'user'),
      reason: reason === undefined ? null : checkReason(reason),
      key: key === undefined ? null : checkShort(key, 'key'),
    };
  }

  /** As `job.cancel`, with the jobs that only this one waits for. @throws SignalboxError `JOB_NOT_FOUND`. */
  async cancel(id: string): Promise<CancelResult> {
    const request = { by: this.#who.user, reason: this.#who.reason, cascade: true };
    return this.#do({
      ...{ name: 'cancel', target: checkId(id), events: ['job.cancel'] },
      act: (unit) => cancelJob(servicesOf(unit.context).callbacks, unit, id, request),
    });
  }

  /**
   * As `job.retry` with the same arguments: it needs no definition. @throws BadStatusError before it has ended; SignalboxError
   * `JOB_NOT_FOUND`, `QUEUE_FULL`, `DUPLICATE_JOB`.
   */
  async retry(id: string): Promise<RetriedAs> {
    return this.#do({
      ...{ name: 'retry', target: checkId(id) },
      events: ['job.put', 'args.set', 'priority.set', 'keys.set', 'tags.set', 'job.defer'],
      act: async (unit) => {
        const { record, result } = await retryJob(unit, id, { args: null, at: null });
        return { id: record.id, result };
      },
    });
  }

  /** As `job.setPriority`. @throws BadStatusError once it is claimed; SignalboxError `JOB_NOT_FOUND`, `INVALID_OPTION`. */
  async setPriority(id: string, priority: Priority): Promise<void> {
    await this.#do({
      ...{ name: 'setPriority', target: checkId(id), events: ['priority.set'] },
      act: async (unit) => {
        await Job.reference(unit, id).setPriority(priority);
        return null;
      },
    });
  }

  /**
   * As `queue.pause`; the reason is that of the operator. That of a `key` stands in the audit alone.
   * @throws SignalboxError `QUEUE_NOT_FOUND`, `QUOTA_NOT_FOUND`, `INVALID_OPTION`.
   */
  async pause(queue: string, options: Omit<QueuePauseOptions, 'reason'> = {}): Promise<void> {
    checkKnown(options, ['job', 'key', 'until']);
    const given = options.key === undefined ? this.#withReason(options) : options;
    await this.#do({
      ...{ name: 'pause', target: targetOf(queue, options), events: ['queue.paused', 'limit.closed'] },
      act: async (unit) => {
        await pauseQueue(unit, queue, given, this.#who.user);
        return null;
      },
    });
  }

  /** As `queue.resume`. @throws SignalboxError `QUEUE_NOT_FOUND`, `QUOTA_NOT_FOUND`, `INVALID_OPTION`. */
  async resume(queue: string, options: Pick<QueuePauseOptions, 'job' | 'key'> = {}): Promise<boolean> {
    checkKnown(options, ['job', 'key']);
    return this.#do({
      ...{ name: 'resume', target: targetOf(queue, options), events: ['queue.resumed', 'limit.opened'] },
      act: (unit) => resumeQueue(unit, queue, options),
    });
  }

  /** Pauses one agent of a dispatcher, as `agents.pause`. @throws SignalboxError `AGENT_NOT_FOUND`, `INVALID_OPTION`. */
  async pauseAgent(
    queue: string,
    dispatcher: string,
    name: string,
    options: Omit<PauseOptions, 'reason'> = {},
  ): Promise<void> {
    checkKnown(options, ['until']);
    await this.#setAgent(queue, dispatcher, name, this.#withReason(options));
  }

  /** Resumes it, as `agents.resume`: whether it was paused. @throws SignalboxError `AGENT_NOT_FOUND`. */
  async resumeAgent(queue: string, dispatcher: string, name: string): Promise<boolean> {
    return this.#setAgent(queue, dispatcher, name, null);
  }

  /**
   * As `box.bulk`; the reason is that of the operator. The note is of the whole: what happens to each job is in its own history.
   * @throws SignalboxError as `box.bulk`.
   */
  async bulk(
    action: BulkAction,
    filter: BulkFilter,
    options: Omit<BulkOptions, 'reason'> = {},
  ): Promise<BulkOperation> {
    checkKnown(options, ['priority', 'limit', 'dryRun', 'queue']);
    const { user } = this.#who;
    const { id, isHere } = await this.#do({
      ...{ name: 'bulk', target: String(action), events: ['job.put', 'job.new'] },
      act: (unit) => putBulk(unit, action, filter, this.#withReason(options), user),
    });
    return new BulkOperation(this.#work, id, isHere);
  }

  /** As `schedules.pause`. @throws BadStatusError when it has ended; SignalboxError `SCHEDULE_NOT_FOUND`. */
  async pauseSchedule(queue: string, name: string): Promise<void> {
    await this.#schedule('pauseSchedule', 'schedule.pause', queue, name, async (unit) => {
      await pauseSchedule(unit, queue, name, this.#withReason({}), this.#who.user);
      return null;
    });
  }

  /** As `schedules.resume`: whether it was paused. @throws SignalboxError `SCHEDULE_NOT_FOUND`. */
  async resumeSchedule(queue: string, name: string): Promise<boolean> {
    return this.#schedule('resumeSchedule', 'schedule.resume', queue, name, async (unit) => {
      const wasPaused = await resumeSchedule(unit, queue, name);
      await unit.whenCommitted(async () => servicesOf(unit.context).planDue());
      return wasPaused;
    });
  }

  /** As `schedules.trigger`: puts a job of it now, and gives the id. @throws SignalboxError `SCHEDULE_NOT_FOUND`, and what a put throws. */
  async triggerSchedule(queue: string, name: string): Promise<string> {
    return this.#schedule('triggerSchedule', 'schedule.trigger', queue, name, (unit) =>
      triggerSchedule(unit, queue, name),
    );
  }

  /** As `schedules.remove`. @throws SignalboxError `SCHEDULE_NOT_FOUND`. */
  async removeSchedule(queue: string, name: string): Promise<void> {
    await this.#schedule('removeSchedule', 'schedule.end', queue, name, async (unit) => {
      await removeSchedule(unit, queue, name);
      return null;
    });
  }

  /**
   * As `actor.suspend`, with the reason of the operator. @throws BadStatusError when it is suspended already; SignalboxError
   * `ACTOR_NOT_FOUND`, `ACTOR_FINISHED`, `UNKNOWN_MACHINE`.
   */
  async suspendActor(id: string): Promise<void> {
    const { user, reason } = this.#who;
    await this.#actor('suspendActor', id, { kind: 'suspend', reason: reason ?? `suspended by ${user}` });
  }

  /** As `actor.resume`. @throws BadStatusError when it is not suspended; SignalboxError as `suspendActor`. */
  async resumeActor(id: string): Promise<void> {
    await this.#actor('resumeActor', id, { kind: 'resume', reason: '' });
  }

  /** As `actor.skip`. @throws BadStatusError when it is not suspended; SignalboxError as `suspendActor`. */
  async skipActor(id: string): Promise<void> {
    await this.#actor('skipActor', id, { kind: 'skip', reason: '' });
  }

  /** As `actor.stop`. @throws SignalboxError as `suspendActor`. */
  async stopActor(id: string): Promise<void> {
    await this.#actor('stopActor', id, { kind: 'stop', reason: '' });
  }

  #actor(name: string, id: string, item: CommandItem): Promise<null> {
    return this.#do({
      ...{ name, target: id, events: [`signalbox.${item.kind}`, 'signalbox.resume'] },
      act: async (unit) => {
        await command({ work: unit, id, machine: null }, item);
        return null;
      },
    });
  }

  #schedule<Answer extends Json>(
    action: string,
    event: string,
    queue: string,
    name: string,
    act: (unit: UnitOfWork) => Promise<Answer>,
  ): Promise<Answer> {
    const target = `${checkQueueName(queue)}/${name}`;
    return this.#do({ name: action, target, events: [event], act });
  }

  #setAgent(
    queue: string,
    dispatcher: string,
    agent: string,
    options: PauseOptions | null,
  ): Promise<boolean> {
    const id = `${checkQueueName(queue)}/${checkUuid(dispatcher)}/${checkName(agent, 'the agent')}`;
    const [name, event] =
      options === null ? ['resumeAgent', 'agent.resumed'] : ['pauseAgent', 'agent.paused'];
    return this.#do({
      ...{ name, target: id, events: [event] },
      act: async (unit) => {
        const wasPaused = await setAgentPause(unit, { id }, options, this.#who.user);
        await agentChanged(unit, { queue, dispatcher, agent });
        return wasPaused;
      },
    });
  }

  #withReason<Options extends object>(options: Options): Options & { readonly reason?: string } {
    return this.#who.reason === null ? options : { ...options, reason: this.#who.reason };
  }

  #do<Answer extends Json>(action: Action<Answer>): Promise<Answer> {
    return retryConflicts(20, async () => {
      const { key } = this.#who;
      const before = key === null ? null : await actionOf(this.#work.context, key);
      if (before === null) return this.#commit(action);
      if (before.action === action.name && before.target === action.target) return before.answer as Answer;
      throw invalidOption('key', `a new one: it names ${before.action} of ${before.target}`, key);
    });
  }

  /** In one commit, which is refused when another action was committed meanwhile: it may have had the same key. */
  async #commit<Answer extends Json>({ name, target, events, act }: Action<Answer>): Promise<Answer> {
    const unit = new BufferedUnit(this.#work, 'operate()');
    await unit.readChecked('store', 'store');
    const answer = await act(unit);
    const count = unit.changes.filter(({ event }) => events.includes(event)).length;
    if (count === 0) return answer;
    const { user, reason, key } = this.#who;
    const lastAction = {
      key: key ?? this.#work.context.ids.newId(),
      action: name,
      target,
      user,
      reason,
      count,
      answer,
    };
    const acted = { kind: 'store', id: 'store', event: 'operator.acted', from: null, to: null } as const;
    await unit.submit([{ ...acted, patch: { lastAction } }], []);
    const expect = unit.end();
    await this.#work.committer.commit('client', unit.changes, expect).synced;
    unit.committed();
    return answer;
  }
}

/** The action with a key, if it was done lately; null: none was. */
async function actionOf({ store, now }: RuntimeContext, key: string): Promise<LastAction | null> {
  const record = await store.get('store', 'store');
  if (record?.lastAction === undefined) return null;
  await store.settled();
  const since = now() - knownMs;
  for await (const { at, patch } of store.history('store', 'store', record.lastSeq)) {
    if (at < since) break;
    const action = (patch?.lastAction ?? null) as LastAction | null;
    if (action?.key === key) return action;
  }
  return null;
}

function targetOf(queue: string, { job, key }: Pick<QueuePauseOptions, 'job' | 'key'>): string {
  const name = checkQueueName(queue);
  if (key !== undefined) return `${name}: key ${key.join('/')}`;
  return job === undefined ? name : `${name}: ${job}`;
}

function checkShort(text: unknown, option: string): string {
  const isShort = typeof text === 'string' && text.trim() !== '' && text.length <= 200;
  if (isShort && storableText(text) === text) return text;
  throw invalidOption(option, 'text of 1 to 200 characters', text);
}
