// A process that one of its jobs ends: `node … exiting-worker.ts DIRECTORY`.
import { agent, createSignalbox } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { leave } from './exiting-jobs.ts';

const box = await createSignalbox({ store: jsonStore(process.argv[2] ?? ''), jobs: [leave], queues: [''] });
const first = await box.queue().put(leave('first'));
const second = await box.queue().put(leave('second'));
console.log(`${first.id} ${second.id}`);
await box.start({ agent: agent({ size: 1 }) });
await second.result();
