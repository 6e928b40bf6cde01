import type { Transition } from '../../model/jobs/step.ts';

/** Whether the chart asks that the job's code be called. */
export function callsHandler(transition: Transition): boolean {
  return transition.effects.some((effect) => effect.type === 'callHandler');
}
