// One scenario in a process of its own: `node … scenario-worker.ts NAME URL SCHEMA`. Says what it
// found as JSON, null when nothing is wrong; or that it failed, which says nothing about a mutant.
import { createInterface } from 'node:readline';
import { scribe } from '../ledger.ts';
import { ScenarioDatabase } from './scenario-database.ts';
import { scenarios } from './scenarios.ts';

const [name = '', url = '', schema = ''] = process.argv.slice(2);
const tell = scribe(1);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

let crashes = 0;

/** Only the process that started the server can crash it. */
async function crash(): Promise<void> {
  crashes += 1;
  tell(`crash ${crashes}`);
  await lines.next();
}

try {
  const database = await ScenarioDatabase.on(url, schema, crash);
  tell(`found ${JSON.stringify((await scenarios[name]?.(database)) ?? null)}`);
} catch (error) {
  tell(`failed ${String(error).slice(0, 300)}`);
}
process.exit();
