import {
  type CancelResult,
  type JobsFilter,
  type OperateOptions,
  type Operator,
  SignalboxError,
} from '../../index.ts';
import {
  type ActionAnswer,
  type ActionName,
  type ActionRequest,
  type ManyJobs,
  mostCounted,
} from '../protocol/actions.ts';
import type { Hello } from '../protocol/hello.ts';
import { checkLevel, type Level, type Viewer } from './access.ts';

/** The door of a box for what people do. */
export interface Acting {
  operate(options: OperateOptions): Operator;
  /** The jobs that a filter finds. */
  jobs(filter: JobsFilter): AsyncIterable<unknown>;
}

/** The level that each action needs: what cannot be taken back needs the highest. */
const needed: Readonly<Record<ActionName, Exclude<Level, 'none'>>> = {
  cancel: 'admin',
  pause: 'operate',
  resume: 'operate',
  pauseAgent: 'operate',
  resumeAgent: 'operate',
  retry: 'operate',
  bulk: 'admin',
  pauseSchedule: 'operate',
  resumeSchedule: 'operate',
  triggerSchedule: 'operate',
  suspendActor: 'operate',
  resumeActor: 'operate',
  skipActor: 'admin',
  stopActor: 'admin',
};
const names = Object.keys(needed) as ActionName[];

/** What a page learns of who looks: nothing can be done to a store that is read without its process. */
export function personal(
  data: object,
  { user, level }: Viewer,
): Pick<Hello, 'user' | 'actions'> & { readonly level: Level } {
  const isLive = 'source' in data && data.source === 'live';
  const actions = isLive ? names.filter((name) => checkLevel(level, needed[name]) === null) : [];
  return { ...data, user, level, actions };
}

/** The level that an action needs. */
export function levelOf({ action }: ActionRequest): Level {
  return needed[action];
}

/** Reads the body of a request; null: it asks for no action. */
export function actionRequestOf(text: string): ActionRequest | null {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof body !== 'object' || body === null) return null;
  const { key, action, target, job = null, reason = null, many = null } = body as Partial<ActionRequest>;
  const name = names.find((known) => known === action);
  if (typeof key !== 'string' || name === undefined || typeof target !== 'string') return null;
  if (![job, reason].every((each) => each === null || typeof each === 'string')) return null;
  if ((name === 'bulk') !== (many !== null) || (many !== null && !isMany(many))) return null;
  return { key, action: name, target, job, reason, many };
}

function isMany(given: unknown): boolean {
  if (typeof given !== 'object' || given === null) return false;
  const { filter, seen = null } = given as ManyJobs;
  return typeof filter === 'object' && filter !== null && (seen === null || Number.isSafeInteger(seen));
}

/** Does what was asked for, under the name of the one who asks. @throws SignalboxError when it is refused. */
export async function act(acting: Acting, user: string, request: ActionRequest): Promise<ActionAnswer> {
  const { key, action, target, reason } = request;
  const operator = acting.operate({ user, key, ...(reason === null ? {} : { reason }) });
  const job = request.job === null ? {} : { job: request.job };
  const [queue = '', dispatcher = '', agent = ''] = agentParts(target);
  switch (action) {
    case 'cancel':
      return said(cancelTexts[await operator.cancel(target)]);
    case 'pause':
      await operator.pause(target, job);
      return said('It is paused.');
    case 'resume':
      return said(resumeText(await operator.resume(target, job)));
    case 'pauseAgent':
      await operator.pauseAgent(queue, dispatcher, agent);
      return said('It is paused.');
    case 'resumeAgent':
      return said(resumeText(await operator.resumeAgent(queue, dispatcher, agent)));
    case 'pauseSchedule':
      await operator.pauseSchedule(...scheduleParts(target));
      return said('It is paused.');
    case 'resumeSchedule':
      return said(resumeText(await operator.resumeSchedule(...scheduleParts(target))));
    case 'triggerSchedule':
      return said('Its job is put.', await operator.triggerSchedule(...scheduleParts(target)));
    case 'suspendActor':
      await operator.suspendActor(target);
      return said('It is suspended.');
    case 'resumeActor':
      await operator.resumeActor(target);
      return said('It goes on.');
    case 'skipActor':
      await operator.skipActor(target);
      return said('It goes on without what threw.');
    case 'stopActor':
      await operator.stopActor(target);
      return said('It is stopped.');
    case 'retry': {
      const { id, result } = await operator.retry(target);
      return said(result === 'added' ? 'It is tried again.' : 'A job with its unique name is there.', id);
    }
    case 'bulk':
      return doToMany(acting, operator, target, request.many as ManyJobs);
  }
}

/** Does it once what was counted is still so, within one of twenty. @throws SignalboxError `INVALID_OPTION`, `INVALID_FILTER`. */
async function doToMany(
  acting: Acting,
  operator: Operator,
  what: string,
  { filter, seen }: ManyJobs,
): Promise<ActionAnswer> {
  if (what !== 'cancel' && what !== 'retry')
    throw new SignalboxError('INVALID_OPTION', {
      option: 'target',
      expected: 'cancel or retry',
      actual: what,
    });
  let count = 0;
  for await (const _ of acting.jobs(filter)) {
    count += 1;
    if (count >= mostCounted) break;
  }
  if (seen === null) return { ...said(`${count} jobs are found.`), count };
  if (Math.abs(count - seen) > seen / 20) {
    const [option, repair] = ['seen', 'Look at the list again; nothing was changed.'];
    throw new SignalboxError('INVALID_OPTION', {
      option,
      expected: `about ${count}, found now`,
      actual: String(seen),
      repair,
    });
  }
  const { id } = await operator.bulk(what, filter);
  return said('A job does it.', id);
}

function said(text: string, job: string | null = null): ActionAnswer {
  return { text, job, count: null };
}

/** The name of a schedule may hold a slash. */
function scheduleParts(target: string): [queue: string, name: string] {
  const at = target.indexOf('/');
  return [target.slice(0, Math.max(0, at)), target.slice(at + 1)];
}

const cancelTexts: Readonly<Record<CancelResult, string>> = {
  cancelled: 'It is cancelled.',
  cancelling: 'Its code is asked to stop.',
  ended: 'It had ended before: nothing was changed.',
};

function resumeText(wasPaused: boolean): string {
  return wasPaused ? 'It goes on.' : 'It was not paused any more: nothing was changed.';
}

/** The name of a queue may hold a slash. */
function agentParts(target: string): readonly string[] {
  return /^(.*)\/([^/]+)\/([^/]+)$/s.exec(target)?.slice(1) ?? [];
}
