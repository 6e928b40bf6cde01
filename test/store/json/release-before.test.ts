import { chmodSync, cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agent, createSignalbox, defineJob, detached, type Job, local } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { VirtualReactor } from 'signalbox/testing';
import { afterEach, describe, expect, it } from 'vitest';

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A store that the release before wrote, whose job chart is version 1: the process was killed, or had stopped after that. */
function storeOfBefore(how: 'crashed' | 'clean'): string {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-'));
  folders.push(folder);
  const store = join(folder, 'store');
  cpSync(join(import.meta.dirname, 'release-before', how), store, { recursive: true });
  chmodSync(store, 0o700);
  for (const file of readdirSync(store)) chmodSync(join(store, file), 0o600);
  return store;
}

async function openedOn(directory: string) {
  const note = defineJob({ name: 'note', run: (text: string) => `noted ${text}` });
  const fail = defineJob({
    name: 'fail',
    run: (): never => {
      throw new Error('no');
    },
  });
  const forever = defineJob({ name: 'forever', run: () => detached(local.sleep('1d')) });
  const hold = defineJob({ name: 'hold', run: () => local.sleep('1d') });
  const outer = defineJob({ name: 'outer', run: (inner: Job<unknown>) => inner });
  const reactor = new VirtualReactor();
  const silent = (): void => {};
  const box = await createSignalbox({
    store: jsonStore(directory),
    jobs: [note, fail, forever, hold, outer],
    reactor,
    uuid: '11111111-1111-4111-8111-111111111111',
    logger: { debug: silent, info: silent, warn: silent, error: silent, fatal: silent },
  });
  reactor.attach(box);
  const stateOf = async (id: string) => {
    const { record, ending } = await box.job(id).refresh();
    return ending ?? record.state;
  };
  return { box, reactor, stateOf };
}

describe('A store of the release before', () => {
  it.each(['crashed', 'clean'] as const)('%s: opens, shows its history, and runs on', async (how) => {
    const { box, reactor, stateOf } = await openedOn(storeOfBefore(how));
    const history: string[] = [];
    for await (const { event } of box.job('ended').history()) history.push(event);
    expect(history).toEqual(['job.put', 'job.claim', 'job.start', 'job.finish', 'job.complete']);
    expect([await stateOf('ended'), await stateOf('failed'), await stateOf('callback')]).toEqual([
      'succeeded',
      'failed',
      'succeeded',
    ]);
    expect((await box.job('late').refresh()).record).toMatchObject({
      priority: 0,
      timeout: null,
      deadline: null,
      stop: null,
      line: 'held',
      position: 36,
    });

    await box.start({ agent: agent({ size: 9 }) });
    await reactor.advance('1m');

    expect([await stateOf('waits'), await stateOf('running')]).toEqual(['succeeded', 'active.running']);
    expect(await box.job('running').cancel()).toBe('cancelling');
    expect(await box.job('late').cancel()).toBe('cancelled');
    await reactor.runUntilIdle();
    expect([await stateOf('running'), await stateOf('late')]).toEqual(['cancelled', 'cancelled']);
    await box.stop();
  });

  it('shows its past, moment by moment', async () => {
    const { box } = await openedOn(storeOfBefore('clean'));
    const past = await box.store.past?.();
    await past?.moveTo(past.from);
    await past?.moveTo(past.to);

    expect((await past?.get('job', 'waits'))?.state).toBe('pending');
    await box.stop();
  });
});
