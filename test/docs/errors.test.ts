import { errorCodes } from 'signalbox';
import { describe, expect, it } from 'vitest';
import { read } from './examples.ts';

const sections = read('docs/errors.md')
  .split(/^### /m)
  .slice(1)
  .map((section) => ({ code: section.slice(0, section.indexOf('\n')).trim(), text: section }));

describe('docs/errors.md', () => {
  it('explains every code of the catalogue and no other', () => {
    const explained = sections.map((section) => section.code);

    expect([...explained].sort()).toEqual([...errorCodes].sort());
  });

  it('gives each code a cause and a repair', () => {
    const thin = sections.filter(
      ({ text }) => !/\*\*Cause\.\*\* \S/.test(text) || !/\*\*Repair\.\*\* \S/.test(text),
    );

    expect(thin.map((section) => section.code)).toEqual([]);
  });
});
