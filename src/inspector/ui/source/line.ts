/** How the stream of a page stands. */
export type LineState =
  /** Nothing is watched. */
  | 'idle'
  /** Asked for, nothing heard yet. */
  | 'connecting'
  | 'live'
  /** Nothing was heard for 20 seconds. It is asked for anew. */
  | 'stale'
  /** It ended. After a pause it is asked for again. */
  | 'lost'
  /** The tab was hidden for 30 seconds: it gave its stream back. */
  | 'hidden';

export type LineEvent =
  /** Something else is watched now. */
  | 'wanted'
  /** Nothing is watched any more. */
  | 'unwanted'
  /** A frame came. */
  | 'heard'
  | 'ended'
  /** The pause is over. */
  | 'elapsed'
  /** No frame came for 20 seconds. */
  | 'silent'
  | 'hid'
  | 'shown';

/** What is to be done: a stream that is opened takes the place of the one before, and ends a pause. */
export type LineEffect = 'open' | 'close' | 'wait';

export type LineStep = readonly [to: LineState, effect?: LineEffect];

/** Each event in each state. */
export const lineTable: Readonly<Record<LineState, Readonly<Record<LineEvent, LineStep>>>> = {
  idle: {
    wanted: ['connecting', 'open'],
    unwanted: ['idle'],
    heard: ['idle'],
    ended: ['idle'],
    elapsed: ['idle'],
    silent: ['idle'],
    hid: ['hidden'],
    shown: ['idle'],
  },
  connecting: {
    wanted: ['connecting', 'open'],
    unwanted: ['idle', 'close'],
    heard: ['live'],
    ended: ['lost', 'wait'],
    elapsed: ['connecting'],
    silent: ['stale', 'open'],
    hid: ['hidden', 'close'],
    shown: ['connecting'],
  },
  live: {
    wanted: ['live', 'open'],
    unwanted: ['idle', 'close'],
    heard: ['live'],
    ended: ['lost', 'wait'],
    elapsed: ['live'],
    silent: ['stale', 'open'],
    hid: ['hidden', 'close'],
    shown: ['live'],
  },
  stale: {
    wanted: ['stale', 'open'],
    unwanted: ['idle', 'close'],
    heard: ['live'],
    ended: ['stale', 'wait'],
    elapsed: ['stale', 'open'],
    silent: ['stale', 'open'],
    hid: ['hidden', 'close'],
    shown: ['stale', 'open'],
  },
  lost: {
    wanted: ['connecting', 'open'],
    unwanted: ['idle', 'close'],
    heard: ['lost'],
    ended: ['lost'],
    elapsed: ['connecting', 'open'],
    silent: ['stale'],
    hid: ['hidden', 'close'],
    shown: ['connecting', 'open'],
  },
  hidden: {
    wanted: ['hidden'],
    unwanted: ['hidden'],
    heard: ['hidden'],
    ended: ['hidden'],
    elapsed: ['hidden'],
    silent: ['hidden'],
    hid: ['hidden'],
    shown: ['connecting', 'open'],
  },
};

const shortestPauseMs = 500;
const longestPauseMs = 15_000;

/** How long to wait after so many failures one after the other. */
export function pauseMs(failures: number): number {
  return Math.min(longestPauseMs, shortestPauseMs * 2 ** Math.max(0, failures - 1));
}
