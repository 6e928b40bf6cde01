import { SignalboxError } from '../../index.ts';
import type { Answer } from '../protocol/answer.ts';
import type { Problem } from '../protocol/hello.ts';
import type { Question } from '../views/views.ts';
import { type Answers, isOfPast } from './answers.ts';
import type { PastQuestion } from './past/pasts.ts';

/** What went wrong, as pages show it. */
export function problem(
  code: string,
  text: string,
  repair: string,
  nearest?: readonly string[],
): Problem['error'] {
  return { code, text, repair, ...(nearest === undefined ? {} : { nearest }) };
}

/** The address names nothing. */
export const noSuchRoute = problem('NO_SUCH_ROUTE', 'There is nothing here.', 'Look at the address.');

/** What an error means to those who look. */
export function problemOf(error: Error): Problem['error'] {
  const code = error instanceof SignalboxError ? error.code : 'INTERNAL';
  const [text = '', ...repair] = error.message.split(/(?<=\.) /);
  return problem(code, text, repair.join(' '));
}

/** The answer to a question, of now or of a moment that is over, or why there is none. */
export async function answerOrProblem(
  answers: Answers,
  question: Question,
): Promise<{ readonly answer: Answer<object> } | { readonly problem: Problem['error'] }> {
  const answer = isOfPast(question) ? await pastOf(answers, question) : await answers.answer(question);
  return answer === undefined ? { problem: await notFound(answers, question) } : { answer };
}

async function pastOf(answers: Answers, question: PastQuestion): Promise<Answer<object> | undefined> {
  const found = await answers.past(question);
  return found === undefined ? undefined : (JSON.parse(found.text) as Answer<object>);
}

/** There is no subject of that name. */
export async function notFound(answers: Answers, { id, path }: Question): Promise<Problem['error']> {
  if (path === 'queues/:id')
    return problem('QUEUE_NOT_FOUND', `There is no queue '${id}'.`, 'Look at the list of all queues.');
  if (path === 'schedules/:id')
    return problem('SCHEDULE_NOT_FOUND', `There is no schedule ${id}.`, 'Look at the list of all schedules.');
  if (path === 'machines/:id')
    return problem('NO_SUCH_MACHINE', `There is no chart ${id}.`, 'Pick one on the page of machines.');
  if (path === 'durable/:id' || path === 'durable/:id/test')
    return problem(
      'ACTOR_NOT_FOUND',
      `There is no durable actor ${id}.`,
      'It may have been dropped: actors are kept for a time only after their end.',
    );
  const repair = 'It may have been dropped: completed jobs are kept for a time only.';
  return problem('JOB_NOT_FOUND', `There is no job ${id}.`, repair, await answers.nearest(id));
}
