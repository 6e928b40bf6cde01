// A process that puts and runs jobs until the power is cut: `node … power-cut-worker.ts`, with the directory of the
// store as its first line of input.
import { createInterface } from 'node:readline';
import { agent, createSignalbox, defineJob } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { scribe } from './ledger.ts';

const tell = scribe(1);
const note = defineJob({ name: 'note', run: (text: string) => text.length });

tell('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const directory = JSON.parse(line) as string;
  const store = jsonStore(directory, {
    checkpointMinBytes: 64 * 1024,
    historyMaxBytes: Number.MAX_SAFE_INTEGER,
  });
  const box = await createSignalbox({ store, jobs: [note], queues: ['work'] });
  await box.start({ agent: agent({ size: 8 }) });
  tell('opened');
  for (let number = 1; ; ) {
    const puts = Array.from({ length: 8 }, async () => {
      const id = `1-${number++}`;
      tell(`ask ${id}`);
      await box.queue('work').put(note('x'.repeat(200)), { id });
      tell(`ack ${id}`);
    });
    await Promise.all(puts);
  }
}
