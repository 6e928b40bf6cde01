import { readFileSync } from 'node:fs';
import { agent, createSignalbox, defineJob } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import {
  type Contestant,
  type Facts,
  jobArguments,
  noServer,
  type Settings,
  type Signals,
} from './contestant.ts';
import { priorityOf } from './job-settings.ts';
import { slowDisk } from './slow-disk.ts';

/** Signalbox on its json store with default settings: a put and a result count when they are on disk. */
export async function open(settings: Settings, signals: Signals): Promise<Contestant> {
  const { dir, size, slowSyncMs = 0, features: { levels, timeout } = {} } = settings;
  const noop = defineJob({
    name: 'noop',
    ...(timeout === undefined ? {} : { timeout }),
    run: (_: { n: number }) => {
      signals.started();
      return null;
    },
  });
  const job = (data: { readonly n: number }) =>
    levels === undefined ? noop(data) : noop(data).with({ priority: priorityOf(data.n, levels) });
  const store = jsonStore(dir, slowSyncMs > 0 ? await slowDisk(slowSyncMs) : {});
  const box = await createSignalbox({ store, jobs: [noop], queues: ['bench'] });
  // The journal reports a line when it is synced.
  box.store.follow((lines) => {
    for (const line of lines) {
      for (const { kind, to } of line.entries) if (kind === 'job' && to === 'completed') signals.completed();
    }
  });
  return {
    putBulk: async (count) => {
      await box.queue('bench').putAll(jobArguments(count).map((data) => job(data)));
    },
    put: async () => void (await box.queue('bench').put(noop({ n: 0 }))),
    work: async () => void (await box.start({ agent: agent({ size }) })),
    serverCpuUs: noServer,
    close: () => box.stop(),
  };
}

export function facts({ size, slowSyncMs = 0 }: Settings): Facts {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return {
    versions: `signalbox ${version}`,
    settings: `json store, one agent of size ${size}, bulk put by putAll`,
    fsync: `every put and result, before it is acknowledged${slowSyncMs > 0 ? `; ${slowSyncMs} ms added to each` : ''}`,
  };
}
