import { agent, createSignalbox, installAgent } from 'signalbox';
import { runs } from './child.ts';
import { report } from './jobs.ts';
import { sharedStore } from './store.ts';

// The agent has the name of the host, so the page shows which host holds a job.
const [name = ''] = process.argv.slice(2);
const box = await createSignalbox({ store: sharedStore(), jobs: [report] });
installAgent(box, { name, settings: agent({ size: 2 }) });
await box.start({ agent: null, pollInterval: '1s' });
// A sibling takes over after two seconds without a sign of life. The default is one minute.
const representation = await box.queue().dispatchers.get(box.uuid);
await representation.setPingIntervals({ pingInterval: '500ms', pingDeathInterval: '2s' });
runs(box, 'ready');
