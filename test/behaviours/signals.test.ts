import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import {
  type AgentSettings,
  agent,
  createSignalbox,
  Dispatcher,
  defineJob,
  handleSignals,
  RetryCommonForever,
  type SignalName,
  type SignalPort,
} from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { afterEach, describe, expect, it } from 'vitest';
import { forEachStore, makeBox, newDirectory } from './stores.ts';

const children = new Set<ChildProcess>();
const hang = defineJob({ name: 'hang', run: () => new Promise<void>(() => {}) });

afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
});

/** A process with a running job in the store of the directory. */
async function worker(mode: string, directory: string): Promise<{ child: ChildProcess; id: string }> {
  const program = join(import.meta.dirname, 'signal-worker.ts');
  const args = ['--conditions', 'signalbox-source', '--import', 'tsx', program, mode, directory];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.add(child);
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    if (line.startsWith('ready ')) return { child, id: line.slice('ready '.length) };
  }
  throw new Error('the worker ended before it was ready');
}

async function ended(child: ChildProcess): Promise<[code: number | null, signal: string | null]> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return [child.exitCode, child.signalCode];
}

/** Events that the first process on the store committed. */
async function eventsOfFirst(directory: string): Promise<string[]> {
  const box = await createSignalbox({ store: jsonStore(directory), jobs: [hang] });
  const events: string[] = [];
  for await (const entry of box.entries()) if (entry.by.endsWith('#1')) events.push(entry.event);
  await box.stop();
  return events;
}

/** Signals that the test sends itself. */
function makeSignals(): SignalPort & { send(signal: SignalName): void; readonly followed: string[] } {
  const emitter = new EventEmitter();
  const followed: string[] = [];
  return {
    followed,
    on: (signal, handler) => void emitter.on(signal, handler),
    off: (signal, handler) => void emitter.off(signal, handler),
    listenerCount: (signal) => emitter.listenerCount(signal),
    raise: (signal) => void followed.push(`raised ${signal}`),
    exit: (code) => void followed.push(`exit ${code}`),
    send: (signal) => void emitter.emit(signal),
  };
}

describe('A process with a json store', () => {
  it('[I-7] stops its box at SIGINT, hands over its job, and then ends as SIGINT ends a process', async () => {
    const directory = join(newDirectory(), 'store');
    const { child } = await worker('handled', directory);

    child.kill('SIGINT');
    const end = await ended(child);

    expect(end).toEqual([null, 'SIGINT']);
    expect(await eventsOfFirst(directory)).toContain('representation.deactivate');
  });

  it('[I-8] stops its box at SIGTERM and exits', async () => {
    const directory = join(newDirectory(), 'store');
    const { child } = await worker('handled', directory);

    child.kill('SIGTERM');
    const end = await ended(child);

    expect(end).toEqual([0, null]);
    expect(await eventsOfFirst(directory)).toContain('representation.deactivate');
  });

  it('[I-6] ends by itself when its reactor does not keep it, though a dispatcher polls', async () => {
    const directory = join(newDirectory(), 'store');
    const { child } = await worker('free', directory);

    const end = await ended(child);

    expect(end[1]).toBeNull();
    expect(await eventsOfFirst(directory)).not.toContain('representation.deactivate');
  });
});

forEachStore('Signals', (makeStore) => {
  it('[I-7] [I-8] other handlers of SIGINT are left to it, SIGTERM and SIGBREAK end the process', async () => {
    const followed: string[][] = [];
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGBREAK'] as const) {
      const { box, reactor } = await makeBox({ store: makeStore() });
      const signals = makeSignals();
      const others: string[] = [];
      signals.on(signal, () => others.push(`other ${signal}`));
      await box.start();
      handleSignals(box, { signals });

      signals.send(signal);
      await reactor.runUntilIdle();
      followed.push([...others, ...signals.followed, box.state]);
    }

    expect(followed).toEqual([
      ['other SIGINT', 'stopped'],
      ['other SIGTERM', 'exit 0', 'stopped'],
      ['other SIGBREAK', 'exit 0', 'stopped'],
    ]);
  });

  it('[I-7] a stop that takes too long is not waited for beyond three seconds', async () => {
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [hang] });
    const signals = makeSignals();
    await box.start();
    await (await box.queue().put(hang())).waitFor('ACTIVE');
    handleSignals(box, { signals, grace: '1h', timeout: '3s' });

    signals.send('SIGINT');
    await reactor.advance(2999);
    const before = [...signals.followed];
    await reactor.advance(1);

    expect(before).toEqual([]);
    expect(signals.followed).toEqual(['raised SIGINT']);
    await reactor.advance('1h');
  });

  it('[I-9] a dispatcher that just ends is missed by its pings, and its job runs elsewhere', async () => {
    let runs = 0;
    const once: AgentSettings = agent({ size: 1 });
    const work = defineJob({
      name: 'work',
      retry: RetryCommonForever,
      run: () => {
        runs += 1;
        return runs === 1 ? new Promise<number>(() => {}) : runs;
      },
    });
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [work] });
    const first = await box.start({ agent: once });
    const job = await box.queue().put(work());
    await job.waitFor('ACTIVE');
    const second = new Dispatcher(box, { uuid: '00000000-0000-4000-8000-000000000002' });
    second.activate();
    await second.nextPoll();

    first.abandon();
    await reactor.advance('50s');
    const before = (await job.refresh()).status;
    await reactor.advance('30s');

    expect(before).toBe('ACTIVE');
    expect(await job.result()).toBe(2);
    expect((await job.place()).dispatcher).toBe(second.uuid);
  });

  it('[I-10] taking handlers back removes exactly them, once, and leaves those of others alone', async () => {
    const { box } = await makeBox({ store: makeStore() });
    const signals = ['SIGINT', 'SIGTERM', 'SIGBREAK'] as const;
    const listeners = () => signals.map((signal) => process.listeners(signal));
    const before = listeners();
    const third = (): void => {};

    const restore = handleSignals(box);
    const again = handleSignals(box);
    const installed = listeners().map((each, index) => each.slice(before[index]?.length));
    for (const signal of signals) process.on(signal, third);
    restore();
    restore();
    const left = listeners();
    for (const signal of signals) process.off(signal, third);
    const anew = handleSignals(box);
    restore();
    const kept = handleSignals(box);
    const counts = listeners().map(({ length }) => length);
    anew();

    expect(again).toBe(restore);
    expect(installed.map(({ length }) => length)).toEqual([1, 1, 1]);
    expect(left).toEqual(before.map((each) => [...each, third]));
    expect(anew).not.toBe(restore);
    expect(kept).toBe(anew);
    expect(counts).toEqual(before.map(({ length }) => length + 1));
    expect(listeners()).toEqual(before);
  });
});
