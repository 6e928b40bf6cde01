// A process that puts and runs jobs until its disk is full, and continues when there is room again:
// `node … full-disk-worker.ts FOLDER LEDGER HOW`, where HOW is how room is made.
import { spawnSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { agent, createSignalbox, defineJob, local, SignalboxError } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { ledgerAt, scribe } from './ledger.ts';

const [folder = '', ledgerPath = '', how = ''] = process.argv.slice(2);
const tell = scribe(1);
const ledger = ledgerAt(ledgerPath);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
// A limit for each file is met by a journal that grows; a disk that is full also by a checkpoint.
const checkpoints = how === 'remount' ? { checkpointMinBytes: 24_000 } : {};

const note = defineJob({
  name: 'note',
  run: async (_text: string) => {
    ledger(`start ${local.getJob()?.id}`);
    await pause(1);
  },
});
const quiet = () => {};
const box = await createSignalbox({
  store: jsonStore(join(folder, 'store'), checkpoints),
  jobs: [note],
  queues: ['work'],
  logger: {
    debug: quiet,
    info: quiet,
    warn: quiet,
    error: quiet,
    fatal: (_fields, message) => tell(`fatal ${message}`),
  },
});
box.store.follow((lines) => {
  for (const { entries } of lines)
    for (const { event, id } of entries) if (event === 'job.complete') ledger(`done ${id}`);
});
await box.start({ agent: agent({ size: 4 }), pollInterval: '100ms' });

let number = 0;
for (let refusals = 0; refusals < 12; ) if (!(await isTaken())) refusals += 1;
tell('full');
makeRoom();
const begin = performance.now();
while (!(await isTaken())) await pause(5);
tell(`resumed ${Math.round(performance.now() - begin)}`);
for (let more = 0; more < 6; more += 1) await isTaken();
while ((await box.store.list('job', '')).some(({ state }) => state !== 'completed')) await pause(10);
await box.stop();
// In a mount of its own no other process sees the disk.
cpSync(join(folder, 'store'), `${ledgerPath}-store`, { recursive: true });
tell('finished');

async function isTaken(): Promise<boolean> {
  const id = `1-${++number}`;
  tell(`ask ${id} note`);
  try {
    await box.queue('work').put(note('x'.repeat(400)), { id });
    tell(`ack ${id}`);
    return true;
  } catch (error) {
    if (!(error instanceof SignalboxError) || error.code !== 'STORE_FULL') throw error;
    tell(`refused ${id}`);
    await pause(1);
    return false;
  }
}

function makeRoom(): void {
  const command =
    how === 'remount'
      ? ['mount', '-o', 'remount,size=16m', folder]
      : ['prlimit', '--pid', String(process.pid), '--fsize=unlimited:unlimited'];
  const { status, stderr } = spawnSync(command[0] as string, command.slice(1));
  if (status !== 0) throw new Error(`no room could be made: ${String(stderr)}`);
}
