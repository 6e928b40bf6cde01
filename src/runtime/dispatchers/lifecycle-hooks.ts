import type { Transition } from '../../model/jobs/step.ts';
import type { RepresentationRecord } from '../../model/records/records.ts';
import type { BufferedUnit } from '../commits/buffered-unit.ts';

/** Names of the five events of a dispatcher's life in a queue. */
export const dispatcherEventNames = [
  'dispatcherRegistered',
  'dispatcherActivated',
  'dispatcherDeactivated',
  'dispatcherReactivated',
  'dispatcherUnregistered',
] as const;

/** The five events of a dispatcher's life in a queue. */
export type DispatcherEventName = (typeof dispatcherEventNames)[number];

/** How the program takes part in the life of its dispatchers. The box implements it with the hooks and listeners of the program. */
export interface LifecycleHooks {
  /** Calls the hooks before the commit: what they do through `work` becomes part of it. The record is as the commit leaves it. */
  before(name: DispatcherEventName, record: RepresentationRecord, work: BufferedUnit): Promise<void>;
  /** Notifies the listeners once the commit is synced. One that fails stops nothing. */
  after(name: DispatcherEventName, record: RepresentationRecord): void;
}

const announcements: Readonly<Record<string, DispatcherEventName>> = {
  announceActivation: 'dispatcherActivated',
  announceReactivation: 'dispatcherReactivated',
  announceDeactivation: 'dispatcherDeactivated',
  announceUnregistration: 'dispatcherUnregistered',
};

/** The event that a step of the chart asks to announce; null when it announces nothing. */
export function announcementOf(step: Transition): DispatcherEventName | null {
  for (const effect of step.effects) {
    const name = announcements[effect.type];
    if (name !== undefined) return name;
  }
  return null;
}
