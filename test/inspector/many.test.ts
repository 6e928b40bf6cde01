import { expect, it } from 'vitest';
import type { JobListName } from '../../src/inspector/protocol/jobs.ts';
import { manyOf } from '../../src/inspector/ui/pages/jobs/many.ts';

const over = { status: ['COMPLETED'], ending: ['failed', 'aborted', 'expired'] };

it.each<[JobListName, string | null, string, object | null]>([
  ['waiting', null, '', { status: ['PENDING'] }],
  ['waiting', 'mail', 'task:mail.*', { status: ['PENDING'], queue: 'mail', job: 'mail.*' }],
  ['held', null, 'tag:a', { status: ['ASSIGNED', 'ACTIVE', 'CALLBACKS'], tag: 'a' }],
  ['failed', null, 'error:ECONN', { ...over, error: '*ECONN*' }],
  ['failed', null, 'ending:aborted', { ...over, ending: 'aborted' }],
  ['failed', '', 'key:tenant/4/2', { ...over, queue: '', key: ['tenant', '4/2'] }],
  ['failed', null, 'key:tenant', { ...over, key: ['tenant'] }],
  ['failed', null, '-task:a', null],
  ['failed', null, 'word', null],
  ['failed', null, 'tries:>2', null],
  ['failed', null, 'tag:a tag:b', null],
  ['failed', 'a', 'queue:b', null],
  ['failed', null, 'toString:x', null],
  ['ended', null, '', null],
  ['quarantined', null, '', null],
])('The list %s of queue %j with the filter "%s" means %j to all of them', (list, queue, words, filter) => {
  expect(manyOf({ list, queue, words })).toEqual(filter);
});
