import { describe, expect, it } from 'vitest';
import { beginnings, failEach, failingCalls } from './nth-failure.ts';

describe.each(beginnings)('on %s', (beginning) => {
  it.each(failingCalls)(
    'each %s that fails loses nothing that was acknowledged, and the store works again',
    async (call) => {
      const { problems } = await failEach(beginning, call, false);

      expect(problems).toEqual([]);
    },
  );
});
