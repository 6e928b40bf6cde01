import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jsonStore } from 'signalbox/json';
import { postgresStore } from 'signalbox/postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SliceStep } from '../../../src/store/promotion/slicing.ts';
import { createMutatedTree, type Mutant } from '../../mutants/mutant.ts';
import { newSchema, removeSchemas } from '../postgres/schemas.ts';
import { serverUrl } from '../postgres/server.ts';
import { note, openBox } from './full-store.ts';
import { movedSlice } from './slices.ts';
import { runWorker } from './workers.ts';

// Processes take their time to start: all of them do it at once.
const limitMs = 120_000;
const home = mkdtempSync(join(tmpdir(), 'signalbox-slices-'));
const texts = ['0', '1', '2', '3', '4', '5'];
const limit = 5;

/** What a killed process has left. */
interface Left {
  readonly schema: string;
  readonly dir: string;
  readonly end: string | number;
}

const killed = new Map<string, Left>();

/** Two jobs are moved at a time, and the process is killed at the second two: which of all six are where then. */
const steps: readonly (readonly [SliceStep, string, string])[] = [
  ['opened', '012345', ''],
  ['chosen', '2345', '01'],
  ['pulled', '45', '01'],
  ['arrived', '45', '0123'],
  ['dropped', '45', '0123'],
  ['finished', '5', '01234'],
];

const withoutPull: Mutant = {
  name: 'without-pull',
  without: 'the pull that keeps the source from handing a job out',
  edits: [
    {
      file: 'src/store/promotion/slicing.ts',
      find: "await this.#request.from.commit({ by: 'slice', changes: changes.map(plain), expect }).synced;",
      replace: 'void [changes, expect, plain];',
    },
    {
      file: 'src/store/promotion/slicing.ts',
      find: "root?.state === 'new' && systemOf(root) === placeOf(id)",
      replace: 'id !== undefined && root !== undefined',
    },
  ],
};

async function killedAt(step: SliceStep, tree?: string): Promise<Left> {
  const [schema, dir, connectionString] = [newSchema(), join(home, newSchema()), await serverUrl()];
  const box = await openBox(postgresStore({ connectionString, schema }));
  await box.createQueue('');
  await box.queue().putAll(texts.map((text) => note(text)));
  await box.stop();
  return { schema, dir, end: await runWorker('slice-worker.ts', [dir, schema, String(limit), step], tree) };
}

beforeAll(async () => {
  await Promise.all(steps.map(async ([step]) => killed.set(step, await killedAt(step))));
}, limitMs);

afterAll(async () => {
  rmSync(home, { recursive: true, force: true });
  await removeSchemas();
});

/** The jobs that each side would hand out now: in the database, and in a copy of the directory. */
async function claimable({ schema, dir }: Left): Promise<readonly [string, string]> {
  const connectionString = await serverUrl();
  const copy = join(home, `${newSchema()}-copy`);
  if (existsSync(dir)) cpSync(dir, copy, { recursive: true });
  const found = [];
  for (const store of [postgresStore({ connectionString, schema }), jsonStore(copy)]) {
    const box = await openBox(store);
    await box.createQueue('');
    found.push((await box.queue().jobs()).map((job) => job.args[0]).join(''));
    await box.stop();
  }
  return found as unknown as readonly [string, string];
}

describe('A slice whose process is killed', () => {
  it.each(steps)(
    'after the step "%s" leaves %j in the database and %j in the directory, and is finished by another call',
    { timeout: limitMs },
    async (step, inDatabase, inDirectory) => {
      const left = killed.get(step) as Left;

      expect(left.end).toBe('SIGKILL');
      expect(await claimable(left)).toEqual([inDatabase, inDirectory]);
      const { moved } = await movedSlice({ ...left, connectionString: await serverUrl(), limit });

      expect(moved).toBe(limit);
      expect(await claimable(left)).toEqual(['5', '01234']);
    },
  );
});

describe('The safeguard', () => {
  it('is needed: without the pull a crash leaves jobs that both sides hand out', {
    timeout: limitMs,
  }, async () => {
    const tree = createMutatedTree(withoutPull);

    const left = await killedAt('arrived', tree.root);

    tree.remove();
    const [inDatabase, inDirectory] = await claimable(left);
    expect([...inDirectory].filter((text) => inDatabase.includes(text))).not.toEqual([]);
  });
});
