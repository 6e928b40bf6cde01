import { assign, setup } from 'xstate';
import type { Failure } from './job.context.ts';
import type { Json } from './json.ts';

/** A timer of an actor: when it is due, its place among equals, what it sends, and where: to a child, `#parent`, or null: the actor. */
export type ActorTimer = readonly [dueAt: number, seq: number, event: Json, to: string | null];

/** A child of an actor: a job, or an actor. */
export interface ActorChild {
  readonly kind: 'job' | 'actor';
  /** The name of its source in `setup({ actors })`. */
  readonly src: string;
  /** Id of the job or of the actor. */
  readonly id: string;
  /** Grows with every child of this name: an outcome of an earlier run is dropped. */
  readonly run: number;
}

/** Whose child an actor or a job is: who gets its outcome. */
export interface ActorParent {
  readonly actor: string;
  /** The name of the parent's machine. */
  readonly machine: string;
  readonly child: string;
  readonly run: number;
}

/** All data of a durable actor but the keys of its context and the state of its machine. Instants are epoch milliseconds. */
export interface ActorContext {
  /** Name of its machine. */
  readonly machine: string;
  readonly version: string;
  /** Identifies the structure of the machine that made the last step. */
  readonly hash: string;
  /** Ids of the states that history states remember, by id of the history state. */
  readonly history: { readonly [node: string]: readonly string[] } | null;
  readonly timers: { readonly [id: string]: ActorTimer } | null;
  readonly children: { readonly [child: string]: ActorChild } | null;
  /** The last run of each child name that is not among `children` any more. */
  readonly runs: { readonly [child: string]: number } | null;
  /** The earliest of its timers. */
  readonly dueAt: number | null;
  readonly parent: ActorParent | null;
  /** What its machine gave when it was done. */
  readonly output: Json;
  /** Why it failed, or was suspended. */
  readonly failure: Failure | null;
  readonly startedAt: number;
  readonly finishedAt: number | null;
}

/** Returns the context of an actor before its start. */
export function newActorContext(): ActorContext {
  return {
    machine: '',
    version: '',
    hash: '',
    history: null,
    timers: null,
    children: null,
    runs: null,
    dueAt: null,
    parent: null,
    output: null,
    failure: null,
    startedAt: 0,
    finishedAt: null,
  };
}

/** How a step of the user's machine left it. */
export type ActorEnding = 'done' | 'failed' | null;

/** Everything that can happen to a durable actor. `patch`: what a step of its machine has changed. */
export type ActorEvent =
  | {
      readonly type: 'actor.start';
      readonly at: number;
      readonly parent: ActorParent | null;
      readonly ending: ActorEnding;
      readonly patch: Partial<ActorContext>;
    }
  /** Its machine has taken an event, a timer, or the outcome of a child. */
  | {
      readonly type: 'actor.step';
      readonly at: number;
      readonly ending: ActorEnding;
      readonly patch: Partial<ActorContext>;
    }
  /** Its record was made one of another version of its machine. */
  | { readonly type: 'actor.migrate'; readonly patch: Partial<ActorContext> }
  /** A step that the flow cannot do without has thrown, or its version is not known. */
  | { readonly type: 'actor.suspend'; readonly failure: Failure }
  | { readonly type: 'actor.resume' }
  /** It was told to stop. */
  | { readonly type: 'actor.stop'; readonly at: number };

type EventOf<Type extends ActorEvent['type']> = Extract<ActorEvent, { type: Type }>;

/** A state of the chart as records store it, under `status`. */
export type ActorStatus = 'absent' | 'active' | 'suspended' | 'done' | 'failed' | 'stopped';

/** Names of children may be without end: above a hundred the highest run stands for all of them. */
const mostRuns = 100;

/** The last run of each child, those that are still there among them: one that begins anew counts on. */
function lastRuns({ children, runs }: ActorContext): ActorContext['runs'] {
  if (children === null) return runs;
  const last = Object.entries(children).map(([child, { run }]) => [child, run] as const);
  const all = Object.fromEntries([...Object.entries(runs ?? {}), ...last]);
  const numbers = Object.values(all);
  return numbers.length <= mostRuns ? all : { '*': Math.max(...numbers) };
}

const ended = {
  on: {
    'actor.start': [
      { target: 'done', guard: 'isDone', actions: ['begin', 'keep', 'finish'] },
      { target: 'failed', guard: 'hasFailed', actions: ['begin', 'keep', 'finish'] },
      { target: 'active', actions: ['begin', 'keep'] },
    ],
  },
} as const;

/**
 * The life of every durable actor. The machine of the user decides its `state`, this chart its `status`.
 *
 * ```text
 *  ┌────────┐  start   ┌─ alive ────────────────────────┐   step, ends   ┌──────┐  ┌────────┐
 *  │ absent │ ───────▶ │ active ── suspend ─▶ suspended │ ─────────────▶ │ done │  │ failed │
 *  └────────┘          │   ▲  step, migrate      │      │                └──────┘  └────────┘
 *                      │   └────── resume ───────┘      │   stop   ┌─────────┐
 *                      └────────────────────────────────┘ ───────▶ │ stopped │
 *                                                                  └─────────┘
 *  done, failed and stopped may be started again: an actor of this id that begins anew
 * ```
 */
export const actorMachine = setup({
  types: { context: {} as ActorContext, events: {} as ActorEvent },
  guards: {
    isDone: ({ event }) => (event as EventOf<'actor.step'>).ending === 'done',
    hasFailed: ({ event }) => (event as EventOf<'actor.step'>).ending === 'failed',
  },
  actions: {
    begin: assign(({ event }) => {
      const { at, parent } = event as EventOf<'actor.start'>;
      return { ...newActorContext(), startedAt: at, parent };
    }),
    keep: assign(({ event }) => (event as EventOf<'actor.step'>).patch),
    finish: assign(({ context, event }) => ({
      timers: null,
      dueAt: null,
      children: null,
      runs: lastRuns(context),
      finishedAt: (event as EventOf<'actor.step'>).at,
    })),
    keepFailure: assign(({ event }) => ({ failure: (event as EventOf<'actor.suspend'>).failure })),
    forgetFailure: assign({ failure: null }),
  },
}).createMachine({
  id: 'actor',
  version: '1',
  context: newActorContext(),
  initial: 'absent',
  states: {
    absent: ended,
    active: {
      on: {
        'actor.step': [
          { target: 'done', guard: 'isDone', actions: ['keep', 'finish'] },
          { target: 'failed', guard: 'hasFailed', actions: ['keep', 'finish'] },
          { actions: 'keep' },
        ],
        'actor.migrate': { actions: 'keep' },
        'actor.suspend': { target: 'suspended', actions: 'keepFailure' },
        'actor.stop': { target: 'stopped', actions: 'finish' },
      },
    },
    suspended: {
      on: {
        'actor.resume': { target: 'active', actions: 'forgetFailure' },
        'actor.stop': { target: 'stopped', actions: 'finish' },
      },
    },
    done: ended,
    failed: ended,
    stopped: ended,
  },
});
