import { describe, expect, it } from 'vitest';
import { coverageOf, idsIn } from './coverage.ts';

const catalogue = [
  { section: 'Jobs', ids: ['A-1', 'A-2', 'A-3'] },
  { section: 'Monitoring', ids: ['M-1'] },
  { section: 'Wishes', ids: ['W-1', 'W-2'] },
];
const documented = { waived: [], answered: [] };

describe('The count of behaviours', () => {
  it('reads every id that is in brackets of its own', () => {
    expect(idsIn('[A-1] [TIP-12] a list [0] and A-2')).toEqual(['A-1', 'TIP-12']);
  });

  it('puts every id in exactly one list', () => {
    const tests = [{ title: '[A-1] works', passed: true }];

    const found = coverageOf(catalogue, tests, { waived: ['A-2'], answered: ['W-1'] });

    expect(found).toEqual({
      covered: ['A-1'],
      waived: ['A-2'],
      answered: ['W-1'],
      notYetDue: ['M-1'],
      missing: ['A-3', 'W-2'],
      complaints: [],
    });
  });

  it('does not count an id of which one test fails', () => {
    const tests = [
      { title: '[A-1] on memory', passed: true },
      { title: '[A-1] on json', passed: false },
    ];

    expect(coverageOf(catalogue, tests, documented).covered).toEqual([]);
  });

  it('reports ids that it does not know, tests that name too many, and idle waivers', () => {
    const tests = [
      { title: '[X-9] unknown', passed: true },
      { title: '[A-1] [A-2] [A-3] [M-1] [W-1] everything', passed: true },
    ];

    const found = coverageOf(catalogue, tests, { waived: ['A-1'], answered: [] });

    expect(found.complaints).toEqual([
      'X-9 is not in the catalogue',
      'more than 4 ids in one test: [A-1] [A-2] [A-3] [M-1] [W-1] everything',
      'A-1 has a waiver and a passing test',
    ]);
  });
});
