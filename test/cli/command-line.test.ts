import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { printable, printableJson, withoutSecrets } from '../../src/cli/printable.ts';
import { run } from './run.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('The command line', () => {
  it('exits with 2 and explains the error when the call is wrong', async () => {
    for (const args of [
      [],
      ['fly'],
      ['migrate'],
      ['migrate', '--to', 'postgres://h/d', 'more'],
      ['migrate', '--to', 'postgres://h/d', '--what'],
      ['migrate', '--to', 'data/jobs'],
      ['migrate', '--to', 'postgres://h/d', '--schema', 'no"schema'],
      ['verify'],
      ['verify', '--from', 'a', '--to', 'postgres://h/d'],
      ['verify', '--from', ''],
      ['promote', '--from', '', '--to', 'postgres://h/d'],
      ['promote', '--from', 'postgres://h/d', '--to', '', '--queue', 'a', '--limit', '1'],
    ]) {
      const { code, out, err } = await run(...args);

      expect([args, code, out]).toEqual([args, 2, '']);
      expect(err).not.toBe('');
    }
  });

  it('reports a wrong call as JSON like any other error', async () => {
    for (const args of [['promote'], ['migrate', '--what'], ['verify', 'more'], ['verify']]) {
      const { code, json } = await run(...args, '--json');

      expect([args, code, json]).toEqual([args, 2, { error: { code: null, message: expect.any(String) } }]);
    }
  });

  it('prints help for itself and its commands and exits with 0', async () => {
    const whole = await run('--help');
    const one = await run('migrate', '--help');

    expect([whole.code, one.code]).toEqual([0, 0]);
    expect(whole.out).toContain('migrate');
    expect(one.out).toContain('--schema <name>');
  });

  it('prints the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

    expect(await run('--version')).toMatchObject({ code: 0, out: `${version}\n`, err: '' });
  });

  it('starts as a program', () => {
    const main = join(root, 'src', 'cli', 'main.ts');
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [
        '--import',
        'tsx',
        '--conditions',
        'signalbox-source',
        main,
        'verify',
        '--json',
        '--from',
        '/nowhere/at/all',
      ],
      { cwd: root, encoding: 'utf8' },
    );

    expect([status, stderr]).toEqual([1, '']);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'STORE_MISSING' } });
  });
});

describe('[S14] What it prints', () => {
  it('is one line without control characters', () => {
    const hostile = 'a\u001b[2J\r\nb\u009b\u202e\u2028\ud800c\u007f';

    expect(printable(hostile)).toBe('a\\u001b[2J\\u000d\\u000ab\\u009b\\u202e\\u2028\\ud800c\\u007f');
    expect(JSON.parse(printableJson({ hostile }))).toEqual({ hostile });
    expect(printableJson({ hostile })).toMatch(/^[\u0020-\u007e]+$/);
  });

  it('shows the name of a directory with its control characters escaped', async () => {
    const { err } = await run('verify', '--from', '/nowhere/\u001b[31m\u202e');

    expect(err).toContain('\\u001b[31m\\u202e');
    for (const control of ['\u001b', '\u202e']) expect(err).not.toContain(control);
  });
});

describe('[S15] Passwords', () => {
  const secret = 'canary%2Fpass';
  const url = `postgres://user:${secret}@127.0.0.1:1/nowhere`;

  it('are never printed, whichever error occurs', async () => {
    for (const args of [
      ['migrate', '--to', url],
      ['migrate', '--to', url, '--json'],
      ['migrate', '--to', `${url}?password=${secret}`],
      ['verify', '--to', url],
      ['verify', '--from', `x${url}`],
      ['migrate', '--to', `postgres://user:${secret}@[`],
      ['migrate', url],
      [url],
      ['migrate', `--${url}`],
    ]) {
      const { code, out, err } = await run(...args);

      expect(code).toBeGreaterThan(0);
      expect(out + err).not.toMatch(/canary|%2Fpass|\/pass/);
    }
  });

  it('are removed from a text in every form in which they were given', () => {
    const text = `${url} said canary/pass and ${secret}, password=other`;

    expect(withoutSecrets(text, ['--to', url])).toBe(
      'postgres://user:***@127.0.0.1:1/nowhere said *** and ***, password=***',
    );
  });
});
