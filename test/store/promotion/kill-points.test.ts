import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jsonStore } from 'signalbox/json';
import { migratePostgres, postgresStore } from 'signalbox/postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PromotionStep } from '../../../src/store/promotion/promoting.ts';
import { createMutatedTree, type Mutant } from '../../mutants/mutant.ts';
import { connected, newSchema, removeSchemas } from '../postgres/schemas.ts';
import { serverUrl } from '../postgres/server.ts';
import { note, openBox } from './full-store.ts';
import { pictureOf, promoted } from './promoting.ts';
import { root, runWorker } from './workers.ts';

// Processes start slowly, so all of them start at once.
const limitMs = 120_000;
const home = mkdtempSync(join(tmpdir(), 'signalbox-promotion-'));
const source = join(home, 'source');
let count = 0;

/** A copy of a directory, like one that a crash leaves. */
function copied(dir: string): string {
  count += 1;
  const target = join(home, String(count));
  cpSync(dir, target, { recursive: true });
  return target;
}

beforeAll(async () => {
  const box = await openBox(jsonStore(source));
  await box.createQueue('');
  await box.queue().putAll([note('1'), note('2')]);
  await box.queue().put(note('3'), { beginAfter: '1h' });
  await box.stop();
  await Promise.all(
    steps.map(async ([step]) => {
      const [dir, schema] = [copied(source), newSchema()];
      killed.set(step, { dir, schema, end: await promoteElsewhere(dir, schema, step) });
    }),
  );
}, limitMs);

afterAll(async () => {
  rmSync(home, { recursive: true, force: true });
  await removeSchemas();
});

function promoteElsewhere(dir: string, schema: string, killedAfter = '', tree = root) {
  return runWorker('promote-worker.ts', [dir, schema, killedAfter], tree);
}

/** Which of the two stores would offer the jobs if it were opened now. */
async function inCharge(dir: string, schema: string): Promise<readonly string[]> {
  const client = await connected();
  const { rows } = await client.query('SELECT to_regclass($1) IS NOT NULL AS there', [`${schema}.job`]);
  const jobs = rows[0].there ? (await client.query(`SELECT id FROM ${schema}.job`)).rows.length : 0;
  await client.end();
  const opened = await openBox(jsonStore(copied(dir))).catch(() => null);
  await opened?.stop();
  return [...(opened === null ? [] : ['directory']), ...(jobs > 0 ? ['database'] : [])];
}

const steps: readonly (readonly [PromotionStep, readonly string[]])[] = [
  ['read', ['directory']],
  ['begun', ['directory']],
  ['copying', ['directory']],
  ['copied', ['directory']],
  ['compared', ['directory']],
  ['marked', []],
  ['committed', ['database']],
  ['finished', ['database']],
];

/** What a killed process left, by the step after which it was killed. */
const killed = new Map<string, { readonly dir: string; readonly schema: string; readonly end: unknown }>();

describe('A promotion whose process is killed', () => {
  it.each(steps)('after the step "%s" leaves in charge: %j', { timeout: limitMs }, async (step, expected) => {
    const { dir = '', schema = '', end } = killed.get(step) ?? {};
    const connectionString = await serverUrl();

    expect(end).toBe('SIGKILL');
    expect(await inCharge(dir, schema)).toEqual(expected);
    await promoted(dir, schema);
    expect(await inCharge(dir, schema)).toEqual(['database']);
    const [before, after] = [
      await pictureOf(jsonStore(copied(source))),
      await pictureOf(postgresStore({ connectionString, schema })),
    ];
    expect([after.records, after.waiting]).toEqual([before.records, before.waiting]);
  });
});

/** Makes a schema with a trigger that changes what is written. */
async function meddledSchema(): Promise<string> {
  const [schema, connectionString] = [newSchema(), await serverUrl()];
  await migratePostgres({ connectionString, schema });
  const client = await connected();
  await client.query(
    `CREATE FUNCTION ${schema}.meddle() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN NEW.doc := replace(NEW.doc, '"attempts":0', '"attempts":7'); RETURN NEW; END $$;
     CREATE TRIGGER meddle BEFORE INSERT ON ${schema}.job FOR EACH ROW EXECUTE FUNCTION ${schema}.meddle()`,
  );
  await client.end();
  return schema;
}

const promoting = 'src/store/promotion/promoting.ts';

const noComparison: Mutant = {
  name: 'no-comparison',
  without: 'the comparison before the commit',
  edits: [
    {
      file: promoting,
      find: 'compared = await compare(wanted, target);',
      replace: 'compared = null as never;',
    },
  ],
};

const markedLate: Mutant = {
  name: 'marked-late',
  without: 'the mark before the commit',
  edits: [{ file: promoting, find: "source.setMark(mark);\n    reached('marked');", replace: '' }],
};

describe('The safeguards', () => {
  it('are needed: without the comparison a changed row is promoted', { timeout: limitMs }, async () => {
    const tree = createMutatedTree(noComparison);
    const [dir, schema] = [copied(source), await meddledSchema()];

    const codes = [await promoteElsewhere(dir, schema), await promoteElsewhere(dir, schema, '', tree.root)];

    tree.remove();
    expect(codes).toEqual([1, 0]);
  });

  it('are needed: without the mark before the commit both sides are in charge after a crash', {
    timeout: limitMs,
  }, async () => {
    const tree = createMutatedTree(markedLate);
    const [dir, schema] = [copied(source), newSchema()];

    await promoteElsewhere(dir, schema, 'committed', tree.root);

    tree.remove();
    expect(await inCharge(dir, schema)).toEqual(['directory', 'database']);
  });
});
