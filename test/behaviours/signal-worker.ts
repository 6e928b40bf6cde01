// A process with a started box that says `ready`: `node … signal-worker.ts handled|free DIRECTORY`.
// handled: signals stop the box. free: its reactor does not keep the process alive.
import { createSignalbox, defineJob, handleSignals, NodeReactor } from 'signalbox';
import { jsonStore } from 'signalbox/json';

const [mode, directory = ''] = process.argv.slice(2);
const hang = defineJob({ name: 'hang', run: () => new Promise<void>(() => {}) });
const box = await createSignalbox({
  store: jsonStore(directory),
  jobs: [hang],
  queues: [''],
  reactor: new NodeReactor({ keepsProcess: mode !== 'free' }),
});
if (mode === 'handled') handleSignals(box);
const job = await box.queue().put(hang());
await box.start();
await job.waitFor('ACTIVE');
console.log(`ready ${job.id}`);
