// A process that works on a store until it is killed: `node … busy-worker.ts DIRECTORY`. One job holds the only slot of a quota, one
// waits for it, others come and go, and there are a schedule and an actor. Small files, so that generations are begun and dropped all the time.
import { createSignalbox, defineJob, defineMachine } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { fromTransition } from 'xstate';

const note = defineJob({ name: 'note', run: (text: string) => text });
const send = defineJob({ name: 'send', run: () => new Promise<void>(() => {}) });

const tally = defineMachine(
  fromTransition((n: number, _event: { type: 'add' }) => n + 1, 0),
  { name: 'tally' },
);

const box = await createSignalbox({
  store: jsonStore(process.argv[2] ?? '', {
    checkpointMinBytes: 30_000,
    historyMaxBytes: 300_000,
    completedMaxCount: 100,
  }),
  jobs: [note, send],
  machines: [tally],
  queues: ['mail'],
});
await box.actor(tally, 'notes').start();
const mail = box.queue('mail');
await mail.quotas.create('smtp', { size: 1 });
await box.start();
await mail.schedules.set('nightly', { cron: '@daily' }, note('good night'));
const holder = await mail.put(send(), { quotaNames: ['smtp'] });
await holder.waitFor('ACTIVE');
const waiting = await mail.put(send(), { quotaNames: ['smtp'] });
console.log(`waiting ${waiting.id} ${holder.id}`);
for (let count = 0; ; count += 1) await mail.put(note(`note ${count}`));
