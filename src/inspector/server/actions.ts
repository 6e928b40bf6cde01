import type { CancelResult, OperateOptions, Operator } from '../../index.ts';
import type { ActionAnswer, ActionName, ActionRequest } from '../protocol/actions.ts';
import type { Hello } from '../protocol/hello.ts';
import { checkLevel, type Level, type Viewer } from './access.ts';

/** The door of a box for what people do. */
export type Operate = (options: OperateOptions) => Operator;

/** The level that each action needs: what cannot be taken back needs the highest. */
const needed: Readonly<Record<ActionName, Exclude<Level, 'none'>>> = {
  cancel: 'admin',
  pause: 'operate',
  resume: 'operate',
  pauseAgent: 'operate',
  resumeAgent: 'operate',
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
  const { key, action, target, job = null, reason = null } = body as Partial<ActionRequest>;
  const name = names.find((known) => known === action);
  if (typeof key !== 'string' || name === undefined || typeof target !== 'string') return null;
  if (![job, reason].every((each) => each === null || typeof each === 'string')) return null;
  return { key, action: name, target, job, reason };
}

/** Does what was asked for, under the name of the one who asks. @throws SignalboxError when it is refused. */
export async function act(operate: Operate, user: string, request: ActionRequest): Promise<ActionAnswer> {
  const { key, action, target, reason } = request;
  const operator = operate({ user, key, ...(reason === null ? {} : { reason }) });
  const job = request.job === null ? {} : { job: request.job };
  const [queue = '', dispatcher = '', agent = ''] = agentParts(target);
  switch (action) {
    case 'cancel':
      return { text: cancelTexts[await operator.cancel(target)] };
    case 'pause':
      await operator.pause(target, job);
      return { text: 'It is paused.' };
    case 'resume':
      return { text: resumeText(await operator.resume(target, job)) };
    case 'pauseAgent':
      await operator.pauseAgent(queue, dispatcher, agent);
      return { text: 'It is paused.' };
    case 'resumeAgent':
      return { text: resumeText(await operator.resumeAgent(queue, dispatcher, agent)) };
  }
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
