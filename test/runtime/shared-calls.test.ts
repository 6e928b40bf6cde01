import { VirtualReactor } from 'signalbox/testing';
import { beforeEach, expect, it } from 'vitest';
import { SharedCalls } from '../../src/runtime/environment/reactor/shared-calls.ts';

let reactor: VirtualReactor;
let calls: SharedCalls;
let made: string[];
let now: number;

beforeEach(() => {
  reactor = new VirtualReactor();
  reactor.run();
  calls = new SharedCalls(reactor, { now: () => now });
  now = 0;
  made = [];
});

it('calls that begin in one turn with one delay are one call of the reactor, and are made in their order', async () => {
  for (const name of ['a', 'b', 'c']) calls.callLater(1000, () => void made.push(name));
  calls.callLater(2000, () => void made.push('later'));

  expect(reactor.pending).toBe(2);
  await reactor.advance(999);
  expect(made).toEqual([]);
  await reactor.advance(1);
  expect(made).toEqual(['a', 'b', 'c']);
  await reactor.advance(1000);
  expect(made).toEqual(['a', 'b', 'c', 'later']);
});

it('a call that begins in a later turn counts its delay from there', async () => {
  calls.callLater(1000, () => void made.push('first'));
  await reactor.advance(400);
  calls.callLater(1000, () => void made.push('second'));

  await reactor.advance(600);
  expect(made).toEqual(['first']);
  await reactor.advance(400);
  expect(made).toEqual(['first', 'second']);
});

it('a call that is cancelled is not made, and the others are', async () => {
  const [, second] = ['a', 'b', 'c'].map((name) => calls.callLater(1000, () => void made.push(name)));
  second?.cancel();
  second?.cancel();

  await reactor.advance(1000);
  expect(made).toEqual(['a', 'c']);
});

it('a call may cancel one that is due with it', async () => {
  calls.callLater(1000, () => second.cancel());
  const second = calls.callLater(1000, () => void made.push('second'));

  await reactor.advance(1000);
  expect([made, reactor.pending]).toEqual([[], 0]);
});

it('nothing is pending when all calls of a turn are cancelled, in that turn or later', async () => {
  calls.callLater(1000, () => undefined).cancel();
  const next = calls.callLater(1000, () => undefined);
  await reactor.advance(1);
  expect(reactor.pending).toBe(1);

  next.cancel();
  expect(reactor.pending).toBe(0);

  calls.callLater(1000, () => undefined).cancel();
  await reactor.advance(1);
  expect(reactor.pending).toBe(0);
});

it('a call that begins after code that has blocked the turn has its whole delay', () => {
  calls.callLater(1000, () => undefined);
  now += 5000;
  calls.callLater(1000, () => undefined);

  expect(reactor.pending).toBe(2);
});
