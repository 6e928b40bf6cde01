import { expect, it } from 'vitest';
import { type AnyActorScope, type AnyStateMachine, createActor } from 'xstate';
import { openStep } from '../../src/model/durable/scope.ts';
import { orderMachine } from './order.ts';

/** The scope that XState hands to the logic of a live actor. */
function scopeOfXstate(): AnyActorScope {
  let found: AnyActorScope | undefined;
  const spying = Object.assign(Object.create(orderMachine), {
    getInitialSnapshot: (scope: AnyActorScope, input: never) => {
      found ??= scope;
      return (orderMachine as AnyStateMachine).getInitialSnapshot(scope, input);
    },
  }) as AnyStateMachine;
  createActor(spying, { input: { id: '17', email: '', cents: 1 } as never });
  return found as unknown as AnyActorScope;
}

// The only internal shape of XState that this package relies on. When a version of XState changes it, this says what to look at.
it('The scope of a step has the parts of the scope that XState makes, and no more', () => {
  const theirs = scopeOfXstate();
  const ours = openStep('order/17', null).scope;
  const methods = (value: object): string[] =>
    value.constructor === Object ? [] : Object.getOwnPropertyNames(Object.getPrototypeOf(value));
  const keys = (value: object): string[] =>
    [...Object.keys(value), ...methods(value)].filter((key) => key !== 'constructor').sort();

  expect(keys(ours)).toEqual(keys(theirs));
  expect(keys(ours.system)).toEqual(keys(theirs.system));
  expect(keys((ours.system as unknown as { scheduler: object }).scheduler)).toEqual(
    keys((theirs.system as unknown as { scheduler: object }).scheduler),
  );
});

it('XState puts an executor around that of the scope, and takes it away again', () => {
  const step = openStep('order/17', null);
  const { actionExecutor } = step.scope;
  const first = orderMachine.getInitialSnapshot(step.scope as never, { id: '17', email: '', cents: 1 });

  orderMachine.transition(first, { type: 'order.reject', reason: 'no' }, step.scope as never);

  expect(step.scope.actionExecutor).toBe(actionExecutor);
  expect(step.actions.map(({ type }) => type)).toEqual(['xstate.raise', 'xstate.cancel']);
  expect(step.transitions.map(({ target }) => target?.map(({ key }) => key))).toEqual([['rejected']]);
});
