import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The layers of docs/architecture.md. An import that is not listed here is refused, and so is a new place. */
interface Layer {
  /** Other layers. Files of one layer may always import each other. */
  readonly layers: readonly string[];
  /** Packages by name, with their subpaths; `node:*` stands for all of Node. */
  readonly packages: readonly string[];
}

const leaves = ['machines', 'src/errors.ts', 'src/time.ts'];
const domain = [...leaves, 'src/model'];
const face = ['src/index.ts', 'machines', 'src/store/json'];
const everything = [...domain, 'src/store', 'src/reading', 'src/runtime', ...face];
/** A real server for whoever needs one. */
const postgresServer = 'test/store/postgres/server.ts';
/** A real browser, likewise. */
const chromium = 'test/inspector/browser';
const signalbox = ['signalbox', 'xstate', 'node:*'];

const table: Readonly<Record<string, Layer>> = {
  machines: { layers: [], packages: ['xstate'] },
  'src/errors.ts': { layers: [], packages: [] },
  'src/time.ts': { layers: ['src/errors.ts'], packages: ['date-fns'] },
  'src/model': { layers: leaves, packages: ['xstate', 'croner', 'date-fns', 'serialize-error'] },
  'src/store': { layers: domain, packages: [] },
  'src/store/rules': { layers: [...domain, 'src/store'], packages: [] },
  'src/store/in-memory': { layers: [...domain, 'src/store', 'src/store/rules', 'src/reading'], packages: [] },
  'src/store/json': {
    layers: [...domain, 'src/store', 'src/store/rules', 'src/store/in-memory', 'src/reading'],
    packages: ['lowdb', 'fs-native-extensions', 'node:*'],
  },
  'src/store/postgres': {
    layers: [...domain, 'src/store', 'src/store/rules'],
    packages: ['pg', 'node:*'],
  },
  'src/store/promotion': {
    layers: [...domain, 'src/store', 'src/store/rules', 'src/store/json', 'src/store/postgres'],
    packages: ['node:*'],
  },
  'src/reading': {
    layers: [...domain, 'src/store', 'src/store/rules', 'src/reading/coverage/compare'],
    packages: [],
  },
  // The pages compare, too: it imports nothing.
  'src/reading/coverage/compare': { layers: [], packages: [] },
  'src/runtime': {
    layers: [...domain, 'src/store', 'src/reading'],
    packages: ['xstate', 'nanoid', 'date-fns', 'node:*'],
  },
  'src/index.ts': {
    layers: [...domain, 'src/store', 'src/store/in-memory', 'src/reading', 'src/runtime'],
    packages: [],
  },
  'src/inspector': {
    layers: [
      ...face,
      'src/errors.ts',
      'src/store',
      'src/reading',
      'src/inspector/protocol',
      'src/inspector/views',
    ],
    packages: ['hono', '@hono/node-server', 'node:*'],
  },
  'src/inspector/protocol': { layers: ['src/reading/coverage/compare'], packages: [] },
  'src/inspector/views': {
    layers: [...domain, 'src/store', 'src/reading', 'src/reading/coverage/compare', 'src/inspector/protocol'],
    packages: [],
  },
  'src/inspector/ui': {
    layers: ['src/inspector/protocol', 'src/reading/coverage/compare'],
    packages: ['preact', '@preact/signals'],
  },
  'src/testing': {
    layers: [
      ...face,
      'src/reading',
      'src/testing/coverage',
      'src/testing/explore',
      'src/testing/machine-paths',
      'src/testing/replay',
      'src/testing/simulate/oracle',
    ],
    packages: ['xstate', 'node:*'],
  },
  // It leads histories again, and therefore knows what reads them, and the pure code.
  'src/testing/replay': {
    layers: [
      ...face,
      ...domain,
      'src/reading',
      'src/testing',
      'src/testing/coverage',
      'src/testing/simulate/oracle',
    ],
    packages: ['xstate', 'node:*'],
  },
  // Beside the rest, so that no other file of it asks for fast-check.
  'src/testing/fast-check': {
    layers: [...face, 'src/testing', 'src/testing/explore', 'src/testing/simulate/oracle'],
    packages: ['fast-check'],
  },
  // It reads rows from entries, as the command does.
  'src/testing/coverage': {
    layers: [...domain, 'src/store', 'src/reading', 'src/reading/coverage/compare', 'src/testing'],
    packages: ['node:*'],
  },
  // It strikes at each commit, and knows what its entries say.
  'src/testing/explore': {
    layers: [
      ...domain,
      ...face,
      'src/store',
      'src/reading',
      'src/reading/coverage/compare',
      'src/runtime',
      'src/testing',
    ],
    packages: ['node:*'],
  },
  // It walks machines without an engine, and therefore knows the pure code.
  'src/testing/machine-paths': {
    layers: [
      ...domain,
      ...face,
      'src/store',
      'src/testing',
      'src/testing/explore',
      'src/testing/simulate/oracle',
    ],
    packages: ['xstate', 'node:*'],
  },
  // It makes the steps of machines anew, and therefore knows the pure code.
  'src/testing/simulate/oracle': { layers: [...domain, 'src/store'], packages: ['xstate', 'node:*'] },
  'src/cli': {
    layers: [
      ...face,
      'src/store/postgres',
      'src/store/promotion',
      'src/reading',
      'src/reading/coverage/compare',
      'src/inspector',
      'src/inspector/protocol',
      'src/inspector/views',
    ],
    packages: ['commander', 'node:*'],
  },
  bench: {
    layers: [postgresServer, chromium, 'test/explore'],
    packages: [...signalbox, 'pg', 'playwright-core'],
  },
  docs: { layers: [], packages: signalbox },
  examples: { layers: [], packages: ['signalbox', 'node:*'] },
  'examples/orders': { layers: [], packages: signalbox },
  'examples/express': { layers: [], packages: ['express', 'signalbox', 'node:*'] },
  'examples/fastify': { layers: [], packages: ['fastify', 'signalbox', 'node:*'] },
  'examples/nest': {
    layers: [],
    packages: [
      '@nestjs/common',
      '@nestjs/core',
      '@nestjs/platform-express',
      'reflect-metadata',
      'signalbox',
      'node:*',
    ],
  },
  test: {
    layers: [
      ...everything,
      'src/store/rules',
      'src/store/in-memory',
      'src/store/postgres',
      'src/store/promotion',
      'src/reading/coverage/compare',
      'src/inspector',
      'src/inspector/protocol',
      'src/inspector/views',
      'src/inspector/ui',
      'src/testing',
      'src/testing/replay',
      'src/testing/coverage',
      'src/testing/fast-check',
      'src/testing/simulate/oracle',
      'src/cli',
      'docs',
      postgresServer,
    ],
    packages: [
      ...signalbox,
      'vitest',
      'fast-check',
      'pg',
      'hono',
      '@hono/node-server',
      'express',
      'fastify',
      'zod',
      'valibot',
    ],
  },
  'test/explore': {
    layers: ['test', 'examples/orders', 'src/testing/explore'],
    packages: [...signalbox, 'vitest'],
  },
  'test/machine-paths': {
    layers: ['test', 'examples/orders', 'src/testing/explore'],
    packages: [...signalbox, 'vitest'],
  },
  'test/bench': { layers: ['bench'], packages: ['vitest', 'pg', 'node:*'] },
  'test/inspector/browser': {
    layers: ['test'],
    packages: [...signalbox, 'vitest', 'playwright-core', 'axe-core', '@sparticuz/chromium'],
  },
  [postgresServer]: { layers: [], packages: ['pg', 'node:*'] },
};

const usersOfTheFace = [
  'src/inspector',
  'src/testing',
  'src/testing/explore',
  'src/testing/fast-check',
  'src/testing/machine-paths',
  'src/testing/replay',
  'src/cli',
];

describe('The layers', () => {
  it.each(['machines', 'src', 'bench', 'docs', 'examples', 'test'])(
    '%s imports only what the table allows',
    (folder) => {
      const broken = filesIn(folder).flatMap((file) =>
        violations(file, readFileSync(join(root, file), 'utf8')),
      );

      expect(broken).toEqual([]);
    },
  );
});

/** The rooms of a folder, lowest first. A room imports itself and, of the rooms before it, those that its header names. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  'src/model': ['checks', 'chart', 'values', 'records', 'jobs', 'schedules', 'durable', 'monitoring'],
  'src/runtime': [
    'environment',
    'definitions',
    'commits',
    'jobs',
    'execution',
    'stops',
    'callbacks',
    'threads',
    'agents',
    'schedules',
    'actors',
    'dispatchers',
    'handles',
    'builtin-jobs',
    'in-thread',
    'box',
  ],
  'src/store/json': ['ports', 'journal', 'snapshot', 'recovery', 'log'],
  'src/testing/machine-paths': ['model', 'life'],
  'src/testing/simulate': ['oracle', 'world', 'audit', 'cluster'],
};

/** Cycles that still stand: how many files of a folder are in one. This list may only shrink. */
const cycles: readonly string[] = ['src/runtime/handles/callback-proxy.ts <-> src/runtime/handles/job.ts'];

/** Folders that still hold more than fifteen files. This list may only shrink. */
const crowded: readonly string[] = [];

describe('The rooms', () => {
  const files = ['src', 'machines'].flatMap(filesIn);
  const imports = new Map(files.map((file) => [file, targetsOf(file, files)]));

  it('have no import that runs back up, types included', () => {
    expect([...backwardImports(imports)]).toEqual([]);
  });

  it('have no import cycle, types included', () => {
    expect(cyclesIn(imports).map(describeCycle).sort()).toEqual([...cycles].sort());
  });

  it('hold at most 15 files each', () => {
    const counts = new Map<string, number>();
    for (const file of files) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
    const over = [...counts]
      .filter(([, count]) => count > 15)
      .map(([folder, count]) => `${folder}: ${count}`);

    expect(over.sort()).toEqual(crowded);
  });

  it.each(Object.entries({ ...rooms, 'src/store': ['rules', 'in-memory'] }))(
    'of %s open in one file with what they own, and import what it names',
    (folder, order) => {
      for (const room of order) {
        const own = files.filter((file) => file.startsWith(`${folder}/${room}/`));
        const headers = own.flatMap((file) => headerOf(readFileSync(join(root, file), 'utf8')) ?? []);
        const [header] = headers;
        const needed = own.flatMap((file) => imports.get(file) ?? []).map((file) => roomOf(folder, file));
        const unnamed = needed.filter(
          (name) => name !== '' && name !== room && !header?.mayImport.includes(name),
        );

        expect([room, headers.length, header?.room, unnamed]).toEqual([room, 1, room, []]);
      }
    },
  );

  it('of every folder with rooms are all named', () => {
    for (const [folder, order] of Object.entries(rooms)) {
      const found = new Set(
        files.filter((file) => file.startsWith(`${folder}/`)).map((file) => roomOf(folder, file)),
      );
      found.delete('');

      expect([...found].filter((room) => !order.includes(room))).toEqual([]);
    }
  });
});

/** The relative imports of a file, type-only ones included: types couple as much as values do. */
function targetsOf(file: string, files: readonly string[]): string[] {
  return importsIn(readFileSync(join(root, file), 'utf8'))
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => join(dirname(file), specifier))
    .filter((target) => files.includes(target));
}

/** The room of a file in a folder; '' for a file that is in none. */
function roomOf(folder: string, file: string): string {
  if (!file.startsWith(`${folder}/`)) return '';
  const [room, ...rest] = file.slice(folder.length + 1).split('/');
  return rest.length === 0 ? '' : (room ?? '');
}

/** What the header of a room's main file says; null for a file without one. */
function headerOf(source: string): { readonly room: string; readonly mayImport: readonly string[] } | null {
  const header =
    /^\/\*\n \* Room: ([a-z-]+)\.\n \*\n \* Owns: [\s\S]+? \* Invariant: [\s\S]+? \* May import: ([^.]+)\./.exec(
      source,
    );
  if (header === null) return null;
  const [, room = '', list = ''] = header;
  return { room, mayImport: list.replaceAll(/\s+(\* )?\s*/g, ' ').split(', ') };
}

function* backwardImports(imports: ReadonlyMap<string, readonly string[]>): Iterable<string> {
  for (const [folder, order] of Object.entries(rooms)) {
    const rank = (file: string): number => {
      const room = roomOf(folder, file);
      return room === '' ? order.length : order.indexOf(room);
    };
    for (const [file, targets] of imports) {
      if (!file.startsWith(`${folder}/`)) continue;
      for (const target of targets) {
        if (!target.startsWith(`${folder}/`) || rank(target) <= rank(file)) continue;
        yield `${file} -> ${target}`;
      }
    }
  }
}

/** Groups of files that reach each other (Tarjan's strongly connected components). */
function cyclesIn(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const visit = (file: string): void => {
    index.set(file, index.size);
    low.set(file, index.get(file) as number);
    stack.push(file);
    for (const target of imports.get(file) ?? []) {
      if (!index.has(target)) visit(target);
      if (stack.includes(target)) low.set(file, Math.min(low.get(file) as number, low.get(target) as number));
    }
    if (low.get(file) !== index.get(file)) return;
    const group = stack.splice(stack.indexOf(file));
    if (group.length > 1) found.push(group.sort());
  };
  for (const file of imports.keys()) if (!index.has(file)) visit(file);
  return found;
}

/** A pair by its names, a larger group by its size and the folder that holds it. */
function describeCycle(group: readonly string[]): string {
  if (group.length === 2) return group.join(' <-> ');
  const [first = '', ...others] = group;
  let folder = dirname(first);
  while (!others.every((file) => file.startsWith(`${folder}/`))) folder = dirname(folder);
  return `${group.length} files of ${folder}`;
}

describe('The rule itself', () => {
  it.each([
    ['src/model/job.ts', `import { x } from '../errors.ts';`],
    ['src/model/job.ts', `import { x } from './chart/chart.ts';`],
    ['src/store/json/index.ts', `import { Low } from 'lowdb';\nimport fs from 'node:fs';`],
    ['src/testing/index.ts', `export * from '../index.ts';`],
    ['src/model/job.ts', ` * import { createSignalbox } from 'signalbox';`],
    ['test/model/job.test.ts', `import { x } from '../../src/model/job.ts';\nimport 'signalbox/json';`],
    ['bench/machine.ts', `const { x } = await import('signalbox/machines');`],
  ])('lets %s say %s', (file, source) => {
    expect(violations(file, source)).toEqual([]);
  });

  it.each([
    ['src/model/job.ts', `import { x } from '../store/store.ts';`, 'may not import src/store'],
    ['src/model/job.ts', `import {\n  x,\n} from 'lowdb';`, 'may not import lowdb'],
    ['src/model/job.ts', `import fs from 'node:fs';`, 'may not import node:fs'],
    ['src/model/job.ts', `export type { X } from 'signalbox';`, 'may not import signalbox'],
    ['machines/job.machine.ts', `type X = import('../src/model/job.ts').X;`, 'may not import src/model'],
    [
      'src/store/in-memory/index.ts',
      `import { x } from '../json/journal.ts';`,
      'may not import src/store/json',
    ],
    ['src/store/json/index.ts', `import pg from 'pg';`, 'may not import pg'],
    ['src/runtime/agent.ts', `import { x } from '../../machines/index.ts';`, 'a re-exporting file'],
    ['src/runtime/agent.ts', `import { x } from '../../machines/agent.machine.js';`, 'end in .ts'],
    ['src/runtime/agent.ts', `import '../store';`, 'end in .ts'],
    ['src/runtime/agent.ts', `import { x } from '../utils/x.ts';`, 'src/utils/x.ts is in no layer'],
    ['src/utils/x.ts', '', 'src/utils/x.ts is in no layer'],
    ['src/store/sqlite/x.ts', '', 'src/store/sqlite/x.ts is in no layer'],
    ['machines/job.machine.ts', `import { x } from '../src/errors.ts';`, 'may not import src/errors.ts'],
    ['examples/indexer/main.ts', `import { x } from '../../src/index.ts';`, 'may not import src/index.ts'],
    ['bench/machine.ts', `const x = await import('../machines/index.ts');`, 'may not import machines'],
  ])('refuses that %s says %s', (file, source, reason) => {
    expect(violations(file, source)).toEqual([expect.stringContaining(reason)]);
  });
});

function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name) && !name.endsWith('.d.ts') && !name.includes('node_modules/'))
    .map((name) => join(folder, name));
}

function violations(file: string, source: string): string[] {
  const place = placeOf(file);
  if (place === undefined) return [notListed(file)];
  return importsIn(source).flatMap((specifier) => {
    const reason = specifier.startsWith('.')
      ? relativeViolation(file, place, specifier)
      : packageViolation(place, specifier);
    return reason === undefined ? [] : [`${file} imports '${specifier}': ${reason}`];
  });
}

function relativeViolation(file: string, place: string, specifier: string): string | undefined {
  // The styles of a page come with it.
  if (place === 'src/inspector/ui' && /\.css(\?inline)?$/.test(specifier)) return undefined;
  if (!/\.(tsx?|json)$/.test(specifier)) return 'a relative import has to end in .ts';
  const target = join(dirname(file), specifier);
  const targetPlace = placeOf(target);
  if (targetPlace === undefined) return notListed(target);
  if (targetPlace !== place && !allowed(place).layers.includes(targetPlace)) {
    return `${place} may not import ${targetPlace}, only ${listing(allowed(place).layers)}`;
  }
  const isInside = file.startsWith('src/') && !usersOfTheFace.includes(place);
  if (isInside && target.endsWith('/index.ts'))
    return `${target} is a re-exporting file, import what it names`;
  return undefined;
}

function packageViolation(place: string, specifier: string): string | undefined {
  const { packages } = allowed(place);
  const isAllowed = packages.some(
    (name) =>
      specifier === name ||
      specifier.startsWith(`${name}/`) ||
      (name === 'node:*' && specifier.startsWith('node:')),
  );
  return isAllowed ? undefined : `${place} may not import ${specifier}, only ${listing(packages)}`;
}

/** The most specific entry of the table that holds the file; folders that only hold layers hold no files. */
function placeOf(file: string): string | undefined {
  return Object.keys(table)
    .filter((place) => file === place || file.startsWith(`${place}/`))
    .sort((one, other) => other.length - one.length)
    .find((place) => place !== 'src/store' || dirname(file) === place);
}

function allowed(place: string): Layer {
  return table[place] ?? { layers: [], packages: [] };
}

function notListed(file: string): string {
  return `${file} is in no layer: add its folder to the table in test/architecture.test.ts`;
}

function listing(names: readonly string[]): string {
  return names.length === 0 ? 'nothing' : names.join(', ');
}

function importsIn(source: string): string[] {
  const code = source
    .split('\n')
    .filter((line) => !/^\s*(\*|\/\*|\/\/)/.test(line))
    .join('\n');
  const statements = /^\s*(?:import|export)\b(?:[^'";]*?\bfrom)?\s*['"]([^'"]+)['"]/gm;
  const calls = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;
  return [...code.matchAll(statements), ...code.matchAll(calls)].flatMap(([, specifier]) => specifier ?? []);
}
