import type { AnyActorLogic, AnyActorRef } from 'xstate';
import { invalidOption, SignalboxError } from '../../errors.ts';
import type { Delivery } from '../actors/delivery.ts';
import type { AgentActorsDeps } from '../agents/agent-actors.ts';
import type { CallbackRunner } from '../callbacks/callback-runner.ts';
import type { OutcomeWaits } from '../execution/outcome-waits.ts';
import type { Ticker } from '../schedules/ticker.ts';
import type { Stops } from '../stops/stops.ts';
import type { RegistrationDeps } from './registration.ts';

/** The dependencies of a dispatcher. */
export interface DispatcherDeps extends Omit<AgentActorsDeps, 'spawn' | 'dismiss'>, RegistrationDeps {
  readonly waits: Pick<OutcomeWaits, 'lookAgain'>;
  readonly stops: Pick<Stops, 'lookAgain'>;
  readonly callbacks: CallbackRunner;
  readonly ticker: Pick<Ticker, 'poll'>;
  readonly delivery: Pick<Delivery, 'poll'>;
}

/** What a dispatcher needs of its Signalbox. Programs do not need it. */
export interface DispatcherHost {
  readonly deps: DispatcherDeps;
  /** The state of the supervisor. */
  readonly state: string;
  /** Adds a new dispatcher to the box. @throws SignalboxError `DISPATCHER_EXISTS`, `BOX_STOPPED`. */
  add(uuid: string, dispatcher: object): void;
  /** Makes an actor a child of the supervisor. @throws SignalboxError `BOX_STOPPED`. */
  spawn(name: string, logic: AnyActorLogic, input: unknown): AnyActorRef;
  /** Removes a child of the supervisor that has nothing left to do. */
  dismiss(child: AnyActorRef): void;
  /** @throws SignalboxError `BOX_STOPPED` once the box stops or its store has failed. */
  mustRun(call: string): void;
}

const hosts = new WeakMap<object, () => DispatcherHost>();

/** Says how a box hosts dispatchers. The box calls it once, for itself. */
export function provideHost(box: object, host: () => DispatcherHost): void {
  hosts.set(box, host);
}

/** The host of a box. @throws SignalboxError `INVALID_OPTION` when the value is no Signalbox. */
export function hostOf(box: object): DispatcherHost {
  checkBox(box);
  const host = hosts.get(box);
  if (host === undefined) throw new SignalboxError('NOT_STARTED', { what: 'the Signalbox' });
  return host();
}

/** Refuses what is no Signalbox. @throws SignalboxError `INVALID_OPTION`. */
export function checkBox(value: unknown): void {
  const { createQueue } = (value ?? {}) as { readonly createQueue?: unknown };
  if (typeof createQueue === 'function') return;
  throw invalidOption('box', 'a Signalbox, as createSignalbox gives it', value);
}
