// A separate process, since a polluted prototype would break the test process: hostile keys go in by every public call
// and by the files of the store. `frozen`: Object.prototype cannot be changed, so a careless assignment throws.
const [dir = '', mode] = process.argv.slice(2);
if (mode === 'frozen') Object.freeze(Object.prototype);

const { AsyncLocalStorage } = await import('node:async_hooks');
const {
  agent,
  createSignalbox,
  defineCondition,
  defineJob,
  detached,
  Failure,
  local,
  memoryStore,
  parallel,
  RetryCommonFourTimes,
  serial,
} = await import('signalbox');
const { jsonStore } = await import('signalbox/json');
const { forgeEntries, forgeSnapshot } = await import('./tampered-store.ts');
type Job = import('signalbox').Job<unknown>;

const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', 'then'];
const hostile = (): unknown =>
  JSON.parse(
    '{"__proto__":{"polluted":1,"toJSON":1},"constructor":{"prototype":{"polluted":2}},"prototype":{"polluted":3},"toString":4,"hasOwnProperty":5,"valueOf":6,"list":[{"__proto__":{"polluted":7}}]}',
  );
const text = JSON.stringify(hostile());
const done: string[] = [];
function same(what: string, value: unknown): void {
  if (JSON.stringify(value) !== text) throw new Error(`${what}: ${JSON.stringify(value)} instead of ${text}`);
  done.push(what);
}
const ignore = (): void => {};
const silent = { debug: ignore, info: ignore, warn: ignore, error: ignore, fatal: ignore };

const context = new AsyncLocalStorage<unknown>();
const give = defineJob({ name: 'give', context, run: (value: unknown) => value });
const fail = defineJob({
  name: 'fail',
  retry: { ...RetryCommonFourTimes, name: 'keeps', updateData: () => hostile() as never },
  run: () => {
    throw Object.assign(
      new Error('no', { cause: Object.assign(new Error('why'), { data: hostile() }) }),
      Object.fromEntries([
        ['data', hostile()],
        ['__proto__', 1],
      ]),
    );
  },
});
const tell = defineJob({
  name: 'tell',
  run: async () => {
    for (const name of names) await local.setLiveAnnotation(name, hostile());
    await local.getJob()?.setAnnotation('own', hostile());
    await local.getQueue().put(give(hostile()));
    return local.getLiveAnnotation('__proto__');
  },
});
const later = defineJob({ name: 'later', run: () => detached(Promise.resolve(hostile())) });
const jobs = [give, fail, tell, later];

for (const [kind, store] of [
  ['memory', memoryStore()],
  ['json', jsonStore(dir, { checkpointMinBytes: 4096 })],
] as const) {
  const box = await createSignalbox({ store, jobs, queues: ['', 'idle'], logger: silent });
  await box.start({ agent: agent({ size: 3 }) });
  const annotations = Object.fromEntries(names.map((name) => [name, hostile()]));

  const job = give(hostile()).with({ annotations, id: 'hostile' });
  const callback = await job.addCallback(give.partial());
  const choice = await job.addConditionalCallbacks([[defineCondition('always', () => true), give.partial()]]);
  await context.run(hostile(), () => box.queue().put(job));
  same(`${kind} result`, await job.result());
  await job.waitFor('COMPLETED');
  same(`${kind} args`, (await job.refresh()).args[0]);
  for (const name of names)
    same(`${kind} annotation ${name}`, Object.getOwnPropertyDescriptor(job.annotations, name)?.value);
  same(`${kind} callback`, await callback.result());
  const chosen = await choice.outcome();
  same(`${kind} choice`, chosen?.ok === true ? chosen.value : null);
  await box.queue().put(give(hostile()), { id: 'hostile' });

  same(`${kind} live annotation`, await (await box.queue().put(tell())).result());
  same(`${kind} detached`, await (await box.queue().put(later())).result());
  same(`${kind} call`, await box.call(give(hostile())));
  const failed = await box.queue().put(fail());
  const outcome = await failed.waitFor('COMPLETED').then(() => failed.outcome);
  const failure =
    outcome?.ok === false
      ? outcome.failure
      : new Failure({ name: '', message: '', stack: '', code: null, cause: null, extra: {} });
  if (failure.message !== 'no' || failure.cause?.message !== 'why') throw new Error(failure.text('verbose'));
  failure.toError();
  const idle = await box.queue('idle').put(give(1), { beginAfter: '1h' });
  await idle.setArgs([hostile()]);
  await idle.appendArgs([hostile()]);
  await idle.setAnnotation('__proto__', hostile());
  same(`${kind} changed args`, (await idle.refresh()).args[1]);
  same(`${kind} set annotation`, Object.getOwnPropertyDescriptor(idle.annotations, '__proto__')?.value);
  await box.transaction(async (tx) => {
    const inner = await tx.queue('idle').put(give(hostile()).with({ annotations }));
    await inner.setAnnotation('x', hostile());
  });
  const joined = await box.queue().put(serial([give(hostile()), parallel([give(hostile())])]));
  await joined.result();
  const { agents } = await box.queue().dispatchers.get(box.uuid);
  await agents.set(
    'picky',
    agent({
      filter: {
        args: {
          '0.__proto__.polluted': 1,
          '0.constructor.prototype.polluted': 2,
          ['__proto__']: hostile() as never,
        },
      },
    }),
  );
  if ((await agents.get('picky')) === null) throw new Error('no agent');
  for await (const _entry of job.history()) done.push('entry');
  job.actorRef().getSnapshot();
  JSON.stringify([
    String(job),
    box.getDispatcher()?.getStatusInfo(),
    [...(box.getDispatcher()?.jobs ?? [])].map(([, info]) => [info.call, info.result]),
  ]);
  for (const options of [
    JSON.parse('{"__proto__":{"beginAfter":1}}'),
    JSON.parse('{"constructor":{"prototype":{"polluted":1}}}'),
  ]) {
    const code = await box
      .queue('idle')
      .put(give(1), options)
      .then(
        () => 'none',
        (error) => error.code,
      );
    if (code !== 'INVALID_OPTION') throw new Error(`${kind} options: ${code}`);
    done.push(`${kind} options`);
  }
  await box.stop();
}

const evil = JSON.parse('{"__proto__":{"polluted":8},"constructor":{"prototype":{"polluted":9}}}');
const spread = (patch: object): object =>
  Object.fromEntries([...Object.entries(patch), ...Object.entries(evil)]);
const opened: string[] = [];
async function open(what: string): Promise<void> {
  try {
    const box = await createSignalbox({ store: jsonStore(dir), jobs, logger: silent });
    await box.start();
    await (await box.queue().put(give('innocent'))).result({ timeout: '5s' });
    for (const job of (await box.store.quarantined()).map(({ id }): Job => box.job(id)))
      JSON.stringify([(await job.refresh()).args, String(job)]);
    const quarantined = (await box.store.quarantined()).length;
    await box.stop();
    opened.push(`${what}: ${quarantined > 0 ? 'quarantined' : 'open'}`);
  } catch (error) {
    opened.push(`${what}: ${(error as { code?: string }).code ?? String(error)}`);
  }
}
forgeEntries(dir, (entry) => {
  if (entry.on.startsWith('annotation/')) entry.patch = { value: spread({}) };
  else if (entry.on.startsWith('job/') && entry.patch?.args !== undefined) entry.patch.args = [spread({})];
});
await open('values');
forgeSnapshot(dir, (record) =>
  record.includes('"attempts"')
    ? record.replace('{', '{"__proto__":{"polluted":1},"constructor":{"polluted":2},')
    : record,
);
await open('a job of the snapshot');
forgeEntries(dir, (entry) =>
  entry.on.startsWith('job/') && entry.patch ? { ...entry, patch: spread(entry.patch) } : undefined,
);
await open('the patch of a job');
forgeEntries(dir, (entry) =>
  entry.on.startsWith('job/')
    ? { ...entry, ...(evil as object), on: entry.on.replace(/\/.*/, '/__proto__') }
    : undefined,
);
await open('the id of a job');
forgeEntries(dir, (entry) =>
  entry.on.startsWith('store/') ? { ...entry, patch: spread(entry.patch) } : undefined,
);
await open('the patch of another record');

const clean =
  ({} as { polluted?: unknown }).polluted === undefined &&
  ([] as { polluted?: unknown }).polluted === undefined &&
  ((() => {}) as { polluted?: unknown }).polluted === undefined;
console.log(
  JSON.stringify({
    clean,
    done: done.length,
    opened,
    frozen: Object.isFrozen(Object.prototype),
    proto: '__proto__' in {},
  }),
);
