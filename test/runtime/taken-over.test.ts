import { agent, defineJob, local, memoryStore, type OpenStore } from 'signalbox';
import { expect, it } from 'vitest';
import { handOver } from '../../src/runtime/callbacks/hand-over.ts';
import { decorated } from '../behaviours/faulty-store.ts';
import { makeBox } from '../behaviours/stores.ts';

it('code whose job another process has taken over, because it took too long, is aborted once its own time-out comes', async () => {
  const stopped: number[] = [];
  const slow = defineJob({
    name: 'slow',
    timeout: '1s',
    run: async (): Promise<string> => {
      const { signal } = local;
      const attempt = local.getJob()?.record.attempts ?? 0;
      if (attempt > 1) return 'done';
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      stopped.push(reactor.now());
      throw signal.reason;
    },
  });
  let opened: OpenStore | null = null;
  const store = decorated(memoryStore(), (open) => {
    opened = open;
    return {};
  });
  const { box, reactor } = await makeBox({ store, jobs: [slow], queues: [''] });
  await box.start({ agent: agent({ size: 1 }) });
  const job = await box.queue().put(slow());
  await reactor.runUntilIdle();
  const begun = reactor.now();

  const record = await (opened as OpenStore | null)?.get('job', job.id ?? '');
  if (record === undefined) throw new Error('there is no such job');
  const input = { systemId: 'system', queue: '', at: begun, assigner: 'other' };
  await (opened as OpenStore | null)?.commit({ by: 'other', changes: handOver(record, input), expect: [] })
    .synced;
  await reactor.advance(1000);

  expect(stopped).toEqual([begun + 1000]);
  expect(await reactor.until(job.result())).toBe('done');
});
