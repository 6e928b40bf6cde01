import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DueList } from '../../src/store/rules/lines/due-list.ts';
import { IdList } from '../../src/store/rules/lines/id-list.ts';

interface Due {
  readonly id: string;
  readonly at: number;
}

/** So many that they do not fit into one piece of a list. */
const many = Array.from({ length: 700 }, (_, n) => ({ id: `a${(n * 7919) % 700}`, at: n % 9 }));

const arbitrary = fc.array(fc.record({ id: fc.constantFrom(...'abcdefgh'), at: fc.nat(4) }), {
  maxLength: 30,
});

function filled(dues: readonly Due[]): { list: DueList; sorted: readonly Due[] } {
  const list = new DueList();
  const here = new Map<string, Due>();
  for (const due of dues) {
    const before = here.get(due.id);
    if (before !== undefined) list.drop(before.id, before.at);
    here.set(due.id, due);
    list.add(due.id, due.at);
  }
  const sorted = [...here.values()].sort((one, other) => one.at - other.at || (one.id < other.id ? -1 : 1));
  return { list, sorted };
}

const ids = (dues: readonly Due[]): string[] => dues.map(({ id }) => id);

describe('What becomes due', () => {
  const holds = (check: (list: DueList, sorted: readonly Due[], of: Due) => void): void => {
    const { list, sorted } = filled(many);
    for (const of of [...many.slice(0, 40), { id: 'b', at: 3 }, { id: '', at: 0 }]) check(list, sorted, of);
    fc.assert(
      fc.property(arbitrary, fc.nat(5), fc.constantFrom('', 'a', 'd', 'z'), (dues, at, id) => {
        const small = filled(dues);
        check(small.list, small.sorted, { at, id });
      }),
    );
  };

  it('is found until an instant, earliest first, and latest first from the end', () => {
    holds((list, sorted, { at }) => {
      expect([...list.until(at)]).toEqual(ids(sorted.filter((due) => due.at <= at)));
      expect([...list.latest()]).toEqual(ids(sorted).reverse());
    });
  });

  it('has a next instant behind each other one', () => {
    holds((list, sorted, { at }) => {
      expect(list.after(at)).toBe(sorted.find((due) => due.at > at)?.at ?? null);
    });
  });
});

describe('A list of ids', () => {
  it('gives those behind one, whether that is here or not', () => {
    const list = new IdList();
    const all = Array.from({ length: 2000 }, (_, n) => `id-${(n * 7919) % 10_007}`);
    for (const id of all) list.add(id);
    for (const id of all.slice(0, 1000)) list.drop(id);
    const left = all.slice(1000).sort();

    for (const id of ['', 'id-5', all[0] as string, all[1500] as string, 'zz'])
      expect([...list.behind(id)]).toEqual(left.filter((each) => each > id));
  });
});
