// A process that stops its box in the middle of everything that can wait: `node … stopping.child.ts memory | DIRECTORY`.
import { agent, createSignalbox, defineJob, detached, local, memoryStore, NeverRetry } from 'signalbox';
import { jsonStore } from 'signalbox/json';

const [where = 'memory'] = process.argv.slice(2);
const none = (): void => {};
const silent = { debug: none, info: none, warn: none, error: none, fatal: none };

const give = defineJob({ name: 'give', run: (value: string) => value });
const hang = defineJob({ name: 'hang', run: () => new Promise<never>(() => {}) });
const detach = defineJob({ name: 'detach', run: () => detached(new Promise<never>(() => {})) });
const waitForAnnotation = defineJob({
  name: 'waitForAnnotation',
  run: () => local.getLiveAnnotation('never', { timeout: '1h', poll: '1h' }),
});
let hasAsked = none;
const asked = new Promise<void>((resolve) => {
  hasAsked = resolve;
});
const failOften = defineJob({
  name: 'failOften',
  retry: {
    ...NeverRetry,
    name: 'inAnHour',
    startsOnce: false,
    jobError: async (_failure, _cache, tools) => {
      hasAsked();
      await tools.wait(3_600_000);
      return true;
    },
  },
  run: () => {
    throw new Error('no');
  },
});

const box = await createSignalbox({
  store: where === 'memory' ? memoryStore() : jsonStore(where),
  jobs: [give, hang, detach, waitForAnnotation, failOften],
  logger: silent,
});
await box.start({ agent: agent({ size: 10 }) });
const queue = box.queue();
const due = await queue.put(give('due'), { beginAfter: '1h' });
const outcome = due.result({ timeout: '1h' }).catch((error: { code?: string }) => error.code);
await (await queue.put(hang())).waitFor('ACTIVE');
await (await queue.put(detach())).waitFor('ACTIVE');
await (await queue.put(waitForAnnotation())).waitFor('ACTIVE');
await queue.put(failOften());
await asked;
console.log(await (await queue.put(give('worked'))).result());
await box.stop();
console.log(await outcome);
