import type { Command } from '../../command.ts';
import { acting, actingOptions } from './open-store.ts';

/** Tries a job again that has ended. */
export const retry: Command = {
  name: 'retry',
  argument: { name: 'id', summary: 'id of a job that has ended' },
  summary: 'put a new job that is as one that has ended; both name each other',
  options: actingOptions,
  async run({ id = '', ...given }) {
    const answer = await acting(given, (operator) => operator.retry(id));
    const isNew = answer.result === 'added';
    return {
      isGood: isNew,
      lines: [
        isNew
          ? `Job ${id} is tried again as job ${answer.id}.`
          : `No job was put: job ${answer.id} has the unique name of job ${id}.`,
      ],
      json: { id, retriedAs: answer.id, result: answer.result },
    };
  },
};
