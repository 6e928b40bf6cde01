import { fromJob } from 'signalbox';
import { type AnyStateMachine, setup } from 'xstate';
import { defaultLimits } from '../../src/model/checks/limits.ts';
import type { PreparedMachine, StepAt, Stepped } from '../../src/model/durable/machine.ts';
import { prepareMachine } from '../../src/model/durable/prepare/prepare.ts';
import { afterStepped, newActorRecord, startMachine, stepMachine } from '../../src/model/durable/step.ts';
import type { ActorRecord } from '../../src/model/records/records.ts';
import { charge, orderMachine, parcelMachine } from './order.ts';

export const day = 86_400_000;
export const order = prepareMachine(orderMachine);
export const input = { id: '17', email: 'ada@example.org', cents: 4200 };

export function at(now = 1000, more: Partial<StepAt> = {}): StepAt {
  return { id: 'order/17', now, refer: () => null, resolve: String, limits: defaultLimits, ...more };
}

/** An actor that is JSON between its steps. */
export function stored(record: ActorRecord, stepped: Stepped): ActorRecord {
  return JSON.parse(JSON.stringify(afterStepped(record, stepped))) as ActorRecord;
}

export function started(machine: PreparedMachine, given: unknown = undefined): ActorRecord {
  return stored(newActorRecord('order/17'), startMachine(machine, null, given, at()));
}

/** A machine with one state whose transition for `go` has these actions. */
export function acting(actions: unknown, more: object = {}, options: object = {}): PreparedMachine {
  return prepareMachine(
    setup({ actors: { charge: fromJob(charge), parcel: parcelMachine }, ...more } as never).createMachine({
      id: 'order',
      version: '1',
      context: { n: 0 },
      on: { go: { actions } },
    } as never) as unknown as AnyStateMachine,
    options,
  );
}

export function go(machine: PreparedMachine, record = started(machine)): Stepped {
  return stepMachine(machine, record, { type: 'go' }, at());
}

export function thrown(make: () => unknown): Error & { code?: string } {
  try {
    make();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}
