import type { EventObject } from 'xstate';
import type { DurableJob } from './sources.ts';

/** What expressions of actions are called with. */
export interface Given {
  readonly context: unknown;
  readonly event: EventObject;
}

/** An action that puts a job. */
export interface PutAction {
  readonly kind: 'put';
  readonly job: DurableJob;
  readonly args: (given: Given, params: unknown) => readonly unknown[];
  readonly options: object;
}

/** An action that sends a message to another actor. */
export interface SendAction {
  readonly kind: 'send';
  readonly machine: { readonly name: string };
  readonly message: (given: Given, params: unknown) => { readonly to: string; readonly event: EventObject };
}

export type DurableAction = PutAction | SendAction;

const brand = Symbol.for('signalbox.action');

/** A custom action for XState. It is never called: the step looks at what it stands for. */
export function durableAction(action: DurableAction): () => void {
  const called = (): void => {
    throw new Error(
      `Expected an action ${action.kind === 'put' ? 'put' : 'sendToActor'} in a machine of defineMachine, got one in a machine that runs elsewhere. Start the machine with box.actor().`,
    );
  };
  return Object.assign(called, { [brand]: Object.freeze(action) });
}

/** What an action stands for; null for any other function. */
export function actionOf(exec: unknown): DurableAction | null {
  if (typeof exec !== 'function') return null;
  return (exec as { readonly [brand]?: DurableAction })[brand] ?? null;
}
