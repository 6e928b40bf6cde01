// A process that claims the jobs of a store and never ends them: `node … hanging-worker.ts DIRECTORY`.
import { agent, createSignalbox } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { hang, hangOnce, note } from './hanging-jobs.ts';

const box = await createSignalbox({
  store: jsonStore(process.argv[2] ?? ''),
  jobs: [hang, hangOnce, note],
  queues: [''],
});
const jobs = [await box.queue().put(hang('first')), await box.queue().put(hangOnce('second'))];
for (const job of jobs) await job.addCallback(note);
await box.start({ agent: agent({ size: 20 }) });
for (const job of jobs) await job.waitFor('ACTIVE');
console.log(`active ${jobs.map((job) => job.id).join(' ')}`);
