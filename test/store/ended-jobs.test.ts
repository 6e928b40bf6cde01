import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EndedJobs } from '../../src/store/rules/lists/ended-jobs.ts';

/** The ids of all, newest first, by their places. */
function newestFirst(jobs: EndedJobs): string[] {
  return Array.from({ length: jobs.length }, (_, at) => jobs.newest(at)).flatMap((id) => id ?? []);
}

it('Jobs that ended are known newest first, whatever is dropped, undone and brought back', () => {
  const step = fc.record({
    does: fc.constantFrom('end', 'end', 'drop oldest', 'drop any', 'undo', 'look'),
    pick: fc.nat(),
  });

  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const kept = new Map<string, number>();
      const jobs = new EndedJobs((id) => kept.get(id));
      const dropped: (readonly [id: string, key: number])[] = [];
      let seq = 0;
      for (const { does, pick } of steps) {
        seq += 1;
        const all = [...kept].sort(([, one], [, other]) => one - other);
        const [chosen] = does === 'drop any' ? all.slice(pick % Math.max(1, all.length)) : all;
        if (does === 'look') newestFirst(jobs);
        const back = does === 'undo' ? dropped.pop() : undefined;
        if (does === 'end') {
          kept.set(`j${seq}`, seq);
          jobs.add(`j${seq}`, seq);
        } else if (back !== undefined) {
          kept.set(...back);
          jobs.add(...back);
        } else if (chosen !== undefined && does.startsWith('drop')) {
          kept.delete(chosen[0]);
          jobs.delete(chosen[0]);
          dropped.push(chosen);
        }
      }
      const expected = [...kept].sort(([, one], [, other]) => other - one).map(([id]) => id);

      expect(newestFirst(jobs)).toEqual(expected);
      expect(jobs.size).toBe(expected.length);
      for (const [at, id] of expected.entries()) expect(jobs.newest(jobs.behind(id, at) - 1)).toBe(id);
    }),
  );
});

it('A job that ended again after its end was undone is listed once', () => {
  const keys = new Map([
    ['a', 1],
    ['b', 2],
  ]);
  const jobs = new EndedJobs((id) => keys.get(id));
  for (const [id, key] of keys) jobs.add(id, key);
  newestFirst(jobs);

  jobs.delete('a');
  keys.set('a', 3);
  jobs.add('a', 3);

  expect(newestFirst(jobs)).toEqual(['a', 'b']);
});

it('Places of jobs that were dropped do not stay for ever', () => {
  const jobs = new EndedJobs((id) => Number(id));
  for (let n = 1; n <= 5000; n += 1) jobs.add(`${n}`, n);
  jobs.add('9000', 9000);
  newestFirst(jobs);

  for (let n = 2; n <= 5000; n += 1) jobs.delete(`${n}`);

  expect(newestFirst(jobs)).toEqual(['9000', '1']);
  expect(jobs.length).toBeLessThan(3000);
});
