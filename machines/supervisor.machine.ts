import { type AnyActorLogic, assign, enqueueActions, setup, stopChild } from 'xstate';

/** The data of the supervisor. */
export interface SupervisorContext {
  /** Why it failed; null while it has not. */
  readonly reason: string | null;
}

/** Everything that can happen to the supervisor. */
export type SupervisorEvent =
  | { readonly type: 'store.opened' }
  | { readonly type: 'recovery.done' }
  /** A dispatcher or an agent joins: a small, fixed set; jobs are never children. */
  | {
      readonly type: 'child.spawn';
      readonly id: string;
      readonly logic: AnyActorLogic;
      readonly input: unknown;
    }
  /** An agent leaves: it has nothing more to do. */
  | { readonly type: 'child.leave'; readonly id: string }
  /** Work may be available in a queue: the agents that could take it are woken. */
  | { readonly type: 'work.available'; readonly queue: string }
  /** Something has an instant now: the earliest due time may be another one. */
  | { readonly type: 'work.planned' }
  /** The earliest due time has come. */
  | { readonly type: 'tick.due' }
  | { readonly type: 'box.stop' }
  | { readonly type: 'drain.done' }
  | { readonly type: 'store.failed'; readonly reason: string };

type EventOf<Type extends SupervisorEvent['type']> = Extract<SupervisorEvent, { type: Type }>;

/**
 * The life of one Signalbox: opens the store, recovers what earlier processes left, routes work, drains, closes.
 *
 * ```text
 *   ┌──────────┐ store.opened ┌────────────┐ recovery.done ┌─────────┐ box.stop ┌──────────┐ drain.done ┌─────────┐
 *   │ starting │ ───────────▶ │ recovering │ ────────────▶ │ running │ ───────▶ │ draining │ ─────────▶ │ stopped │
 *   └────┬─────┘              └─────┬──────┘               └────┬────┘          └────┬─────┘            └─────────┘
 *        └──────────────────────────┴──── store.failed ─────────┘──▶ failed ── box.stop ─┴── store.failed ──────────▲
 * ```
 */
export const supervisorMachine = setup({
  types: { context: {} as SupervisorContext, events: {} as SupervisorEvent },
  actions: {
    keepReason: assign(({ event }) => ({ reason: (event as EventOf<'store.failed'>).reason })),
    // The logic of a child is known only when it joins, so it cannot be named in the setup.
    spawn: enqueueActions(({ enqueue, event }) => {
      const { id, logic, input } = event as EventOf<'child.spawn'>;
      enqueue.spawnChild(logic as never, { id, input } as never);
    }),
    dismiss: stopChild(({ event }) => (event as EventOf<'child.leave'>).id),
    // Effects: carried out by src/runtime.
    openStore: unprovided,
    recover: unprovided,
    routeWork: unprovided,
    wakeDue: unprovided,
    tickSchedules: unprovided,
    deliver: unprovided,
    scheduleTick: unprovided,
    cancelTick: unprovided,
    drain: unprovided,
    closeStore: unprovided,
    abortJobs: unprovided,
  },
}).createMachine({
  id: 'supervisor',
  version: '1',
  context: { reason: null },
  initial: 'starting',
  states: {
    starting: {
      entry: 'openStore',
      on: {
        'store.opened': { target: 'recovering' },
        'store.failed': { target: 'failed', actions: 'keepReason' },
      },
    },
    recovering: {
      entry: 'recover',
      on: {
        'recovery.done': { target: 'running' },
        'store.failed': { target: 'failed', actions: 'keepReason' },
      },
    },
    running: {
      entry: 'scheduleTick',
      exit: 'cancelTick',
      on: {
        'child.spawn': { actions: 'spawn' },
        'child.leave': { actions: 'dismiss' },
        'work.available': { actions: 'routeWork' },
        'work.planned': { actions: 'scheduleTick' },
        'tick.due': { actions: ['wakeDue', 'tickSchedules', 'deliver', 'scheduleTick'] },
        'box.stop': { target: 'draining' },
        'store.failed': { target: 'failed', actions: 'keepReason' },
      },
    },
    draining: {
      entry: 'drain',
      on: {
        'drain.done': { target: 'stopped' },
        // `box.stop` has arrived already, so no event would ever lead out of `failed`.
        'store.failed': { target: 'stopped', actions: ['keepReason', 'abortJobs'] },
      },
    },
    stopped: { entry: 'closeStore' },
    failed: {
      entry: 'abortJobs',
      on: { 'box.stop': { target: 'stopped' } },
    },
  },
});

function unprovided(): void {
  throw new Error('the effects of the supervisor are provided by src/runtime');
}
