import type { ActionAnswer, ActionRequest } from '../../protocol/actions.ts';
import type { Answer } from '../../protocol/answer.ts';
import type { Problem } from '../../protocol/hello.ts';
import { after, ask, type Reply, send } from '../browser.ts';
import { printable } from '../format.ts';

/** The answer to a question, or why there is none. */
export type Outcome<Data> =
  | { readonly is: 'answer'; readonly answer: Answer<Data> }
  | { readonly is: 'problem'; readonly problem: Problem['error'] }
  /** The server cannot be reached. */
  | { readonly is: 'silence' };

/** Asks one question, once. */
export async function question<Data>(
  path: string,
  token: string | null,
  withinMs = 15_000,
): Promise<Outcome<Data>> {
  let reply: Reply;
  try {
    reply = await ask(path, token, withinMs);
  } catch {
    return { is: 'silence' };
  }
  const body = parsed(reply.text);
  if (reply.status === 200 && body !== null) return { is: 'answer', answer: body as unknown as Answer<Data> };
  return { is: 'problem', problem: problemOf(reply) };
}

/** Between two times that a question is asked. */
const pauseMs = 1000;

/** Asks until the server can be reached, or the answer is no longer wanted. */
export async function lastingQuestion<Data>(
  path: string,
  token: string | null,
  isWanted: () => boolean,
  withinMs?: number,
): Promise<Outcome<Data>> {
  for (;;) {
    const outcome = await question<Data>(path, token, withinMs);
    if (outcome.is !== 'silence' || !isWanted()) return outcome;
    await new Promise<void>((resolve) => after(pauseMs, resolve));
    if (!isWanted()) return outcome;
  }
}

/** Does something, once. */
export async function act(
  request: ActionRequest,
  token: string | null,
): Promise<
  | { readonly is: 'done'; readonly answer: ActionAnswer }
  | { readonly is: 'problem'; readonly problem: Problem['error'] }
> {
  try {
    const reply = await send('actions', request, token, 30_000);
    const body = parsed(reply.text) as { readonly data?: ActionAnswer } | null;
    if (reply.status === 200 && body?.data !== undefined) return { is: 'done', answer: body.data };
    return { is: 'problem', problem: problemOf(reply) };
  } catch {
    return { is: 'problem', problem: unanswered };
  }
}

const unanswered: Problem['error'] = {
  code: 'NO_ANSWER',
  text: 'The server did not answer, so it may have been done or not.',
  repair: 'Try again: it is not done twice.',
};

/**
 * Reads what the server sent; null: it is no JSON. What comes back is safe to show: no text of a program can turn a line round or
 * hide in it.
 */
export function parsed(text: string): object | null {
  try {
    return JSON.parse(text, (_, value) => (typeof value === 'string' ? printable(value) : value)) as object;
  } catch {
    return null;
  }
}

/** Why there is no answer. */
export function problemOf({ status, text }: Reply): Problem['error'] {
  const { error } = (parsed(text) ?? {}) as Partial<Problem>;
  return error ?? unknownProblem(status);
}

function unknownProblem(status: number): Problem['error'] {
  return {
    code: `HTTP_${status}`,
    text: 'The server answered in a way that this page does not know.',
    repair: 'Something between the two may have answered; load the page again.',
  };
}
