import type { Answer } from '../../protocol/answer.ts';
import type { Problem } from '../../protocol/hello.ts';
import { ask, type Reply } from '../browser.ts';
import { printable } from '../format.ts';

/** The answer to a question, or why there is none. */
export type Outcome<Data> =
  | { readonly is: 'answer'; readonly answer: Answer<Data>; readonly etag: string | null }
  /** Nothing was written since the answer before. */
  | { readonly is: 'same'; readonly at: number | null; readonly seq: number | null }
  | { readonly is: 'problem'; readonly problem: Problem['error']; readonly status: number }
  /** The server cannot be reached. */
  | { readonly is: 'silence' };

/** Asks one question. What comes back is safe to show: no text of a program can turn a line round or hide in it. */
export async function question<Data>(
  path: string,
  token: string | null,
  etag: string | null = null,
  withinMs = 15_000,
): Promise<Outcome<Data>> {
  let reply: Reply;
  try {
    reply = await ask(path, token, etag, withinMs);
  } catch {
    return { is: 'silence' };
  }
  if (reply.status === 304) return { is: 'same', at: reply.at, seq: reply.seq };
  const body = bodyOf(reply.text);
  if (reply.status === 200 && body !== null)
    return { is: 'answer', answer: body as unknown as Answer<Data>, etag: reply.etag };
  const { error } = (body ?? {}) as Partial<Problem>;
  return { is: 'problem', problem: error ?? unknownProblem(reply.status), status: reply.status };
}

function bodyOf(text: string): object | null {
  try {
    return JSON.parse(text, (_, value) => (typeof value === 'string' ? printable(value) : value)) as object;
  } catch {
    return null;
  }
}

function unknownProblem(status: number): Problem['error'] {
  return {
    code: `HTTP_${status}`,
    text: 'The server answered in a way that this page does not know.',
    repair: 'Something between the two may have answered; load the page again.',
  };
}
