import { writeFileSync } from 'node:fs';
import { register } from 'node:module';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { agent, createSignalbox, defineJob, type Job } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { foreignReferences } from './hostile-names.ts';
import { forgeEntries } from './tampered-store.ts';

// A separate process, whose loader reports every import: it opens a store in which every name that may lead to code
// was replaced, runs its jobs, and reports what happened.
const [dir = ''] = process.argv.slice(2);
const target = join(dir, '..', 'evil.mjs');
const references = foreignReferences(target);
const ignore = (): void => {};
const silent = { debug: ignore, info: ignore, warn: ignore, error: ignore, fatal: ignore };

let ran = 0;
const keep = defineJob({
  name: 'keep',
  run: (value: unknown) => {
    ran += 1;
    return value;
  },
});
const throws = defineJob({
  name: 'throws',
  run: () => {
    throw Object.assign(new Error('lost'), { code: 'ECONNRESET' });
  },
});
const jobs = [keep, throws];

const first = await createSignalbox({
  store: jsonStore(dir),
  jobs,
  queues: ['', 'policies', 'callbacks'],
  logger: silent,
});
const dispatcher = await first.start({ agent: null });
const ids = {} as Record<'names' | 'policies' | 'callbacks' | 'proxies', string[]>;
const idOf = (job: Job<unknown>): string => job.id ?? '';
ids.names = (await Promise.all(references.map((_reference, at) => first.queue().put(keep(at))))).map(idOf);
ids.policies = [];
ids.callbacks = [];
ids.proxies = [];
for (const at of references.keys()) {
  if (at % 4 !== 0) continue;
  ids.policies.push(idOf(await first.queue('policies').put(throws().with({ retryPolicy: 'keep' }))));
  const parent = keep(at);
  await parent.addCallback(keep.partial());
  await parent.addCallbacks({ success: keep.partial() });
  await first.queue('callbacks').put(parent);
  for (const { kind, record } of await first.store.callbacks(idOf(parent)))
    ids[kind === 'job' ? 'callbacks' : 'proxies'].push(record.id);
  const { agents } = await first.queue('policies').dispatchers.get(dispatcher.uuid);
  await agents.set(`a${at}`, agent({ size: 1 }));
}
await first.stop();

let agents = 0;
forgeEntries(dir, (entry) => {
  const [kind, id = ''] = [
    entry.on.slice(0, entry.on.indexOf('/')),
    entry.on.slice(entry.on.indexOf('/') + 1),
  ];
  if (entry.patch === undefined || entry.patch === null) return;
  const at = ids.names.indexOf(id);
  if (at >= 0 && entry.patch.name !== undefined) entry.patch.name = references[at];
  const policy = ids.policies.indexOf(id);
  if (policy >= 0 && entry.patch.retryPolicy !== undefined) {
    entry.patch.retryPolicy = references[policy * 4];
    entry.patch.failureLogLevel = references[policy * 4];
    entry.patch.retryData = { policy: references[policy * 4] };
  }
  const callback = ids.callbacks.indexOf(id);
  if (callback >= 0 && entry.patch.name !== undefined) entry.patch.name = references[callback * 4 + 1];
  const proxy = ids.proxies.indexOf(id);
  if (proxy >= 0 && entry.patch.branches !== undefined)
    entry.patch.branches[0].when = references[proxy * 4 + 2];
  if (kind === 'agent' && entry.patch.selection !== undefined) {
    agents += 1;
    entry.patch.selection = {
      kind: agents % 2 === 0 ? 'filter' : 'chooser',
      name: references[agents % references.length],
    };
  }
});

const imported: string[] = [];
const { port1, port2 } = new MessageChannel();
port1.on('message', (specifier: string) => imported.push(specifier));
const hook = `
  let port;
  export const initialize = (given) => { port = given; };
  export const resolve = (specifier, context, next) => { port.postMessage(specifier); return next(specifier, context); };
`;
register(`data:text/javascript,${encodeURIComponent(hook)}`, { data: port2, transferList: [port2] });
// The loader reports imports: without this the count could be empty for another reason.
await import('node:zlib');
while (imported.length === 0) await new Promise(setImmediate);
const seen = [...imported.splice(0)];

writeFileSync(target, 'globalThis.executed = (globalThis.executed ?? 0) + 1; export default () => {};');
const second = await createSignalbox({ store: jsonStore(dir), jobs, logger: silent });
await second.start({ agent: agent({ size: 1000 }) });
const innocent = await second.queue().put(keep('innocent'));
const result = await innocent.result({ timeout: '10s' });
const outcomes: Record<string, number> = {};
const quarantined = new Set((await second.store.quarantined()).map(({ id }) => id));
for (const [at, id] of ids.names.entries()) {
  const job = await second.job(id).refresh();
  const what = quarantined.has(id) ? 'quarantined' : job.outcome === null ? job.status : 'value';
  outcomes[what] = (outcomes[what] ?? 0) + 1;
  if (what === 'quarantined') JSON.stringify([String(job), job.args, job.status, job.record.unsound]);
  if (what === 'value') throw new Error(`${references[at]} gave a value`);
}
const callbacks = await Promise.all(ids.callbacks.map(async (id) => (await second.job(id).refresh()).ending));
const waiting = await Promise.all(ids.policies.map(async (id) => (await second.job(id).refresh()).status));
await second.stop();
const { executed = 0 } = globalThis as { executed?: number };
console.log(
  JSON.stringify({
    references: references.length,
    seen,
    imported,
    executed,
    ran,
    result,
    outcomes,
    callbacks: [...new Set(callbacks)],
    policies: [...new Set(waiting)],
  }),
);
process.exit(0);
