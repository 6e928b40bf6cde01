import { agent, createSignalbox, defineJob, type JobDefinition, type Signalbox, type Store } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { copied, newPath } from '../json/open-store.ts';

/** UUID of the instance whose store is moved. */
const uuid = '00000000-0000-4000-8000-000000000001';

/** Texts that `note` was called with, in order. */
export const noted: string[] = [];

export const note = defineJob({
  name: 'note',
  run: (text: string) => {
    noted.push(text);
    return text;
  },
});
const shout = defineJob({ name: 'shout', run: (text: string) => `${text}!` });
const fails = defineJob({
  name: 'fails',
  retry: 'NeverRetry',
  run: () => {
    throw new Error('as it should');
  },
});
let openGate: (result: string) => void = () => {};
const gate = new Promise<string>((resolve) => {
  openGate = resolve;
});
/** Runs until the gate is opened, which is after the death of its first process. */
const long = defineJob({ name: 'long', run: () => gate });

export { openGate };

/** A box on either of the two stores. */
export function openBox(store: Store, instance = uuid): Promise<Signalbox> {
  const jobs = [note, shout, fails, long] as readonly unknown[] as readonly JobDefinition[];
  return createSignalbox({ store, uuid: instance, jobs });
}

/** A directory as a killed process leaves it, and the ids of some jobs in it. */
export interface FullStore {
  readonly dir: string;
  readonly done: string;
  readonly failed: string;
  readonly running: string;
  readonly waiting: readonly string[];
  readonly held: string;
}

/** Makes a store with jobs in every status, history, and a dispatcher that was not stopped. */
export async function makeFullStore(): Promise<FullStore> {
  const source = newPath();
  const box = await openBox(jsonStore(source));
  await box.createQueue('later');
  await box.start({ pollInterval: '50ms', agent: agent({ size: 2 }) });
  const queue = box.queue();
  await queue.quotas.create('one', { size: 1 });
  const done = await queue.put(note('done'));
  await done.addCallback(shout.partial());
  const failed = await queue.put(fails());
  await done.waitFor('COMPLETED');
  await failed.waitFor('COMPLETED');
  const running = await queue.put(long(), { quotaNames: ['one'] });
  await running.waitFor('ACTIVE');
  const waiting: string[] = [];
  for (const text of ['1', '2', '3']) {
    const job = await queue.put(note(text), { quotaNames: ['one'] });
    await job.setAnnotation('colour', { of: text });
    waiting.push(String(job.id));
  }
  const held = await box.queue('later').put(note('held'), { beginAfter: '1h' });
  const dir = copied(source);
  await box.stop();
  const ids = [done, failed, running, held].map((job) => String(job.id));
  return {
    dir,
    done: ids[0] ?? '',
    failed: ids[1] ?? '',
    running: ids[2] ?? '',
    waiting,
    held: ids[3] ?? '',
  };
}
