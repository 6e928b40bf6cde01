import { assign, setup } from 'xstate';
import {
  type NextTick,
  newScheduleContext,
  type ScheduleContext,
  type ScheduledJob,
  type ScheduleFigures,
  type SkipReason,
} from './schedule.context.ts';

/** Everything that can happen to a schedule. `next` is null where no tick comes any more. */
export type ScheduleEvent =
  | {
      readonly type: 'schedule.set';
      readonly at: number;
      readonly by: string;
      readonly figures: ScheduleFigures;
      readonly job: ScheduledJob;
      readonly next: NextTick | null;
    }
  /** A tick has put a job. `missed`: how many ticks before it are only counted. */
  | {
      readonly type: 'schedule.tick';
      readonly tick: number;
      readonly next: NextTick | null;
      readonly job: string;
      readonly missed: number;
    }
  /** A tick puts no job. */
  | {
      readonly type: 'schedule.skip';
      readonly tick: number;
      readonly next: NextTick | null;
      readonly why: SkipReason;
      readonly missed: number;
    }
  | {
      readonly type: 'schedule.pause';
      readonly at: number;
      readonly by: string;
      readonly reason: string | null;
    }
  | { readonly type: 'schedule.resume'; readonly next: NextTick | null }
  /** A job was put at once, beside its ticks. */
  | { readonly type: 'schedule.trigger'; readonly job: string }
  /** It is removed. */
  | { readonly type: 'schedule.end' };

type EventOf<Type extends ScheduleEvent['type']> = Extract<ScheduleEvent, { type: Type }>;

/** A state of the chart as records store it. */
export type ScheduleState = 'active' | 'paused' | 'ended';

/**
 * A schedule: puts a job at each of its ticks. It is a stored chart, so a tick is a commit like any other, and no process
 * is its leader. Ticks only grow: one that was made, left out or counted as missed does not come again.
 *
 * ```text
 *   ┌───────┐  set, a tick comes  ┌────────┐   pause    ┌────────┐
 *   │ ended │ ──────────────────▶ │ active │ ─────────▶ │ paused │
 *   └───────┘ ◀────────────────── └────────┘ ◀───────── └────────┘
 *              the last tick,    tick, skip     resume
 *              set without any   (stays)
 * ```
 *
 * While it is paused it has no next tick: it goes on from the moment at which it is resumed.
 */
export const scheduleMachine = setup({
  types: { context: {} as ScheduleContext, events: {} as ScheduleEvent },
  guards: {
    goesOn: ({ context, event }) => nextAfter(context, event as EventOf<'schedule.tick'>) !== null,
    comes: ({ event }) => (event as EventOf<'schedule.set'>).next !== null,
  },
  actions: {
    keepFigures: assign(({ event }) => {
      const { at, by, figures, job } = event as EventOf<'schedule.set'>;
      return { figures, job, setAt: at, setBy: by };
    }),
    keepNext: assign(({ event }) => nextOf((event as EventOf<'schedule.set'>).next)),
    countRun: assign(({ context, event }) => {
      const { tick, job, missed } = event as EventOf<'schedule.tick'>;
      return { lastTick: tick, lastJob: job, runs: context.runs + 1, ...moreMissed(context, missed) };
    }),
    planAfterRun: assign(({ context, event }) =>
      // The run is counted already.
      nextOf(runsOut(context) ? null : (event as EventOf<'schedule.tick'>).next),
    ),
    countSkip: assign(({ context, event }) => {
      const { tick, why, missed } = event as EventOf<'schedule.skip'>;
      const skipped = why === 'missed' ? {} : { skipped: context.skipped + 1 };
      return { lastTick: tick, lastSkip: { tick, why }, ...skipped, ...moreMissed(context, missed) };
    }),
    keepPause: assign(({ event }) => {
      const { at, by, reason } = event as EventOf<'schedule.pause'>;
      return { paused: { by, at, reason }, ...nextOf(null) };
    }),
    clearPause: assign(() => ({ paused: null })),
    keepTrigger: assign(({ event }) => ({ lastJob: (event as EventOf<'schedule.trigger'>).job })),
    forgetNext: assign(() => nextOf(null)),
  },
}).createMachine({
  id: 'schedule',
  version: '1',
  context: () => newScheduleContext(),
  initial: 'ended',
  on: {
    'schedule.trigger': { actions: 'keepTrigger' },
    'schedule.end': { target: '.ended', actions: 'forgetNext' },
  },
  states: {
    active: {
      on: {
        'schedule.set': [
          { guard: 'comes', actions: ['keepFigures', 'keepNext'] },
          { target: 'ended', actions: ['keepFigures', 'keepNext'] },
        ],
        'schedule.tick': [
          { guard: 'goesOn', actions: ['countRun', 'planAfterRun'] },
          { target: 'ended', actions: ['countRun', 'planAfterRun'] },
        ],
        'schedule.skip': [
          { guard: 'comes', actions: ['countSkip', 'keepNext'] },
          { target: 'ended', actions: ['countSkip', 'keepNext'] },
        ],
        'schedule.pause': { target: 'paused', actions: 'keepPause' },
      },
    },
    paused: {
      on: {
        'schedule.set': { actions: 'keepFigures' },
        'schedule.pause': { actions: 'keepPause' },
        'schedule.resume': [
          { guard: 'comes', target: 'active', actions: ['clearPause', 'keepNext'] },
          { target: 'ended', actions: ['clearPause', 'keepNext'] },
        ],
      },
    },
    ended: {
      on: {
        'schedule.set': [
          { guard: 'comes', target: 'active', actions: ['keepFigures', 'keepNext'] },
          { actions: ['keepFigures', 'keepNext'] },
        ],
      },
    },
  },
});

/** What comes after a tick with a job: nothing when that was the last of its runs. */
function nextAfter(context: ScheduleContext, { next }: EventOf<'schedule.tick'>): NextTick | null {
  return runsOut({ ...context, runs: context.runs + 1 }) ? null : next;
}

function runsOut({ figures, runs }: Pick<ScheduleContext, 'figures' | 'runs'>): boolean {
  return figures.maxRuns !== null && runs >= figures.maxRuns;
}

function nextOf(next: NextTick | null): Pick<ScheduleContext, 'nextTick' | 'nextAt'> {
  return { nextTick: next?.tick ?? null, nextAt: next?.at ?? null };
}

function moreMissed({ missed }: ScheduleContext, more: number): Partial<ScheduleContext> {
  return more === 0 ? {} : { missed: missed + more };
}
