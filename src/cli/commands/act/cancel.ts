import type { CancelResult } from '../../../index.ts';
import type { Command } from '../../command.ts';
import { acting, actingOptions } from './open-store.ts';

/** Cancels a job, whatever it is at. */
export const cancel: Command = {
  name: 'cancel',
  argument: { name: 'id', summary: 'id of a job' },
  summary: 'cancel a job: at once, or as soon as its code stops',
  options: actingOptions,
  async run({ id = '', ...given }) {
    const result = await acting(given, (operator) => operator.cancel(id));
    return { isGood: result !== 'ended', lines: [textOf(id, result)], json: { id, result } };
  },
};

function textOf(id: string, result: CancelResult): string {
  if (result === 'cancelled') return `Job ${id} is cancelled.`;
  if (result === 'ended') return `Job ${id} had ended already: nothing was changed.`;
  return `Job ${id} is asked to stop: it ends when its code does, or when its grace is over. See signalbox explain ${id}.`;
}
