import type { DurableEffect } from '../../model/durable/machine.ts';
import { Failure } from '../../model/values/failure.ts';
import { errorText, type Log } from '../environment/logging.ts';
import type { EmitListeners } from './emit-listeners.ts';

/** Does what may be lost, once the commit of its step is made. An error of it changes nothing any more. */
export function carryOutEffect(
  { log, emitted }: { readonly log: Log; readonly emitted: EmitListeners },
  actor: string,
  effect: DurableEffect,
): void {
  if (effect.type === 'emit') emitted.emit(actor, effect.event);
  else if (effect.type === 'log') {
    const { label, value } = effect;
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    log.events('INFO', () => `actor ${actor}: ${label === undefined ? '' : `${label}: `}${text}`);
  } else if (effect.type === 'transient') {
    const failed = (error: unknown): void => {
      const failure = Failure.from(error);
      const what = (): string => `action "${effect.name}" of actor ${actor} failed: ${errorText(failure)}`;
      log.events('ERROR', what, { err: failure.toError() });
    };
    try {
      Promise.resolve(effect.run()).catch(failed);
    } catch (error) {
      failed(error);
    }
  }
}
