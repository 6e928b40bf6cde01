import { VirtualReactor } from 'signalbox/testing';
import { beforeEach, expect, it } from 'vitest';
import { SharedTimers } from '../../src/runtime/environment/reactor/shared-timers.ts';

let reactor: VirtualReactor;
let timers: SharedTimers<string>;
let passed: string[];
let now: number;

beforeEach(() => {
  reactor = new VirtualReactor();
  reactor.run();
  timers = new SharedTimers(reactor, { now: () => now }, (name) => passed.push(name));
  now = 0;
  passed = [];
});

it('those that begin in one turn with one delay are one call of the reactor, and pass in their order', async () => {
  for (const name of ['a', 'b', 'c']) timers.begin(1000, name);
  timers.begin(2000, 'later');

  expect(reactor.pending).toBe(2);
  await reactor.advance(999);
  expect(passed).toEqual([]);
  await reactor.advance(1);
  expect(passed).toEqual(['a', 'b', 'c']);
  await reactor.advance(1000);
  expect(passed).toEqual(['a', 'b', 'c', 'later']);
});

it('one that begins in a later turn counts its delay from there', async () => {
  timers.begin(1000, 'first');
  await reactor.advance(400);
  timers.begin(1000, 'second');

  await reactor.advance(600);
  expect(passed).toEqual(['first']);
  await reactor.advance(400);
  expect(passed).toEqual(['first', 'second']);
});

it('one that is cancelled does not pass, and the others do', async () => {
  const [first, second, third] = ['a', 'b', 'c'].map((name) => timers.begin(1000, name));
  expect([second, third]).toEqual([first, first]);
  second?.cancel('b');
  second?.cancel('b');
  third?.cancel('c');

  await reactor.advance(1000);
  expect(passed).toEqual(['a']);
  first?.cancel('a');
  expect(reactor.pending).toBe(0);
});

it('one that passes may cancel another that is due with it', async () => {
  timers = new SharedTimers(reactor, { now: () => now }, (name) => {
    passed.push(name);
    timer.cancel('second');
  });
  const timer = timers.begin(1000, 'first');
  timers.begin(1000, 'second');
  timers.begin(1000, 'third');

  await reactor.advance(1000);
  expect([passed, reactor.pending]).toEqual([['first', 'third'], 0]);
});

it('nothing is pending when all of a turn are cancelled, in that turn or later', async () => {
  timers.begin(1000, 'a').cancel('a');
  const next = timers.begin(1000, 'b');
  await reactor.advance(1);
  expect(reactor.pending).toBe(1);

  next.cancel('b');
  expect(reactor.pending).toBe(0);

  timers.begin(1000, 'c').cancel('c');
  await reactor.advance(1);
  expect(reactor.pending).toBe(0);
});

it('one that begins after code that has blocked the turn has its whole delay', () => {
  timers.begin(1000, 'a');
  now += 5000;
  timers.begin(1000, 'b');

  expect(reactor.pending).toBe(2);
});
