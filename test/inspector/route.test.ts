import { describe, expect, it } from 'vitest';
import { addressFrom, momentHash, routeOf } from '../../src/inspector/ui/route.ts';

describe('The address of a page', () => {
  it.each([
    ['', { page: 'overview', at: null }],
    [
      '#/jobs?list=failed&q=error:x',
      { page: 'jobs', list: 'failed', queue: null, words: 'error:x', at: null },
    ],
    ['#/jobs/a%2Fb?at=12&tab=raw', { page: 'job', id: 'a/b', tab: 'raw', at: 12 }],
    ['#/queues/mail?at=12', { page: 'queues', id: 'mail', query: { at: '12' }, at: 12 }],
    ['#/actors', { page: 'actors', id: null, query: {}, at: null }],
    ['#/jobs/%E0%A4%A?at=1e3', { page: 'job', id: '%E0%A4%A', tab: null, at: null }],
    ['#/nothing/here', { page: 'none', path: 'nothing/here', at: null }],
  ])('%s is read', (hash, route) => {
    expect(routeOf(hash)).toEqual(route);
  });

  it.each([
    ['a link keeps the moment', '#/overview?at=7', '#/jobs?list=held', '#/jobs?list=held&at=7'],
    ['a link of the present stays as it is', '#/overview', '#/jobs?list=held', '#/jobs?list=held'],
    ['a link with a moment of its own leads there', '#/overview?at=7', '#/jobs?at=9', '#/jobs?at=9'],
    ['at=now leads to the present', '#/jobs?list=held&at=7', '#/jobs?list=held&at=now', '#/jobs?list=held'],
  ])('%s', (_, before, hash, meant) => {
    expect(addressFrom(before, hash)).toBe(meant);
  });

  it('is the same at another moment', () => {
    expect(momentHash('#/queues/mail?at=7', 9)).toBe('#/queues/mail?at=9');
  });
});
