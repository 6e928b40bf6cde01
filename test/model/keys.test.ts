import { expect, it } from 'vitest';
import { checkKey } from '../../src/model/checks/names.ts';
import { keyOf, limitNames, limitOfKey, queueOfLimit, quotaOfLimit } from '../../src/model/records/keys.ts';

it.each<[string, unknown]>([
  ['a number', 42],
  ['empty text', ''],
  ['text of 201 characters', 'x'.repeat(201)],
  ['a slash at the beginning', '/42'],
  ['a slash at the end', '42/'],
  ['a control character', 'a\nb'],
  ['half a surrogate pair', '\ud800'],
])('%s is no key', (_what, key) => {
  expect(() => checkKey(key, 'tenant')).toThrow(
    expect.objectContaining({ code: 'INVALID_KEY', details: expect.objectContaining({ limit: 'tenant' }) }),
  );
});

it.each(['42', 'example.org/path', 'x'.repeat(200), 'ключ 1'])('%s is a key', (key) => {
  expect(checkKey(key, 'tenant')).toBe(key);
});

it('the names of limits, quotas and queues are the parts of keys and ids', () => {
  expect(keyOf('tenant', 'a/b')).toBe('tenant/a/b');
  expect(limitOfKey('tenant/a/b')).toBe('tenant');
  expect(limitNames(['tenant/1', 'host/2', 'tenant/3'])).toEqual(['tenant', 'host']);
  expect(quotaOfLimit('mail/tenant/a/b')).toBe('mail/tenant');
  expect(quotaOfLimit('/tenant/1')).toBe('/tenant');
  expect(quotaOfLimit('mail/smtp')).toBe('mail/smtp');
  expect(queueOfLimit('/tenant/1')).toBe('');
});
