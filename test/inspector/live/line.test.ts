import { describe, expect, it } from 'vitest';
import {
  type LineEvent,
  type LineState,
  type LineStep,
  lineTable,
  pauseMs,
} from '../../../src/inspector/ui/source/line.ts';

const states = Object.keys(lineTable) as LineState[];
const events = Object.keys(lineTable.idle) as LineEvent[];
const every = states.flatMap((state) => events.map((event) => [state, event] as const));

/** After a row of events: where the line stands, whether a stream is open, and whether a pause runs. */
function after(...row: readonly LineEvent[]): { state: LineState; isOpen: boolean; isPaused: boolean } {
  let [state, isOpen, isPaused]: [LineState, boolean, boolean] = ['idle', false, false];
  for (const event of row) {
    const step: LineStep = lineTable[state][event];
    const [to, effect] = step;
    if (event === 'ended') isOpen = false;
    if (event === 'elapsed') isPaused = false;
    if (effect === 'open') [isOpen, isPaused] = [true, false];
    if (effect === 'close') [isOpen, isPaused] = [false, false];
    if (effect === 'wait') isPaused = true;
    state = to;
  }
  return { state, isOpen, isPaused };
}

/** Rows of events that can happen: a stream that is not open brings nothing, and a pause that does not run does not end. */
function rows(length: number): readonly (readonly LineEvent[])[] {
  if (length === 0) return [[]];
  return rows(length - 1).flatMap((row) => {
    const { isOpen, isPaused } = after(...row);
    const possible = events.filter(
      (event) => ((event !== 'heard' && event !== 'ended') || isOpen) && (event !== 'elapsed' || isPaused),
    );
    return possible.map((event) => [...row, event]);
  });
}

describe('The line of a page', () => {
  it('has a step for every event in every state', () => {
    expect(every).toHaveLength(48);
    for (const [state, event] of every) expect(states).toContain(lineTable[state][event][0]);
  });

  it.each([
    ['idle', 'wanted', 'connecting', 'open'],
    ['connecting', 'heard', 'live', undefined],
    ['live', 'wanted', 'live', 'open'],
    ['live', 'ended', 'lost', 'wait'],
    ['lost', 'elapsed', 'connecting', 'open'],
    ['live', 'silent', 'stale', 'open'],
    ['stale', 'heard', 'live', undefined],
    ['stale', 'ended', 'stale', 'wait'],
    ['live', 'hid', 'hidden', 'close'],
    ['hidden', 'wanted', 'hidden', undefined],
    ['hidden', 'shown', 'connecting', 'open'],
  ] as const)('%s, %s: %s', (state, event, to, effect) => {
    expect(lineTable[state][event]).toEqual(effect === undefined ? [to] : [to, effect]);
  });

  it('is closed while the tab is hidden or nothing is watched', () => {
    for (const state of states) {
      expect([state, lineTable[state].hid[0]]).toEqual([state, 'hidden']);
      const [to, effect] = lineTable[state].unwanted;
      const isClosed = state === 'idle' || state === 'hidden';
      expect([state, to, effect]).toEqual(isClosed ? [state, state, undefined] : [state, 'idle', 'close']);
    }
    for (const event of events) if (event !== 'shown') expect(lineTable.hidden[event]).toEqual(['hidden']);
  });

  it('is never without a stream and without a pause while something is watched', () => {
    for (const row of rows(6)) {
      const { state, isOpen, isPaused } = after(...row);
      if (state === 'idle' || state === 'hidden') expect([row, isOpen]).toEqual([row, false]);
      else expect([row, isOpen || isPaused]).toEqual([row, true]);
    }
  });

  it('waits longer after each failure, up to 15 seconds', () => {
    expect([1, 2, 3, 4, 5, 6, 20].map(pauseMs)).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
  });
});
