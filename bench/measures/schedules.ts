import { createSignalbox, defineJob, memoryStore, type OpenStore, type Signalbox } from 'signalbox';
import { VirtualReactor } from 'signalbox/testing';
import { cpuUs } from './processor-time.ts';
import { median } from './statistics.ts';

/** What many schedules cost. */
export interface Schedules {
  /** The question when something is due, among so many schedules, over that among a hundredth of them. */
  readonly schedulesDueRatio: number;
  /** A tick, all of them due in one second, over a put. */
  readonly scheduleTickRatio: number;
}

const report = defineJob({ name: 'report', run: () => null });

// What earlier rounds have left is collected by none of them.
const gc = (globalThis as { readonly gc?: () => void }).gc;

/** Measures in memory, in virtual time. */
export async function measure({ schedules }: { readonly schedules: number }): Promise<Schedules> {
  const few = await timesWith(schedules / 100);
  const rounds = [];
  for (let round = 0; round < 3; round += 1) rounds.push(await timesWith(schedules));
  return {
    schedulesDueRatio: median(rounds.map(({ dueUs }) => dueUs)) / few.dueUs,
    scheduleTickRatio: median(rounds.map(({ tickUs, putUs }) => tickUs / putUs)),
  };
}

async function timesWith(count: number) {
  const reactor = new VirtualReactor();
  const memory = memoryStore({ historyMaxLines: 0 });
  let store: OpenStore | null = null;
  const box = await createSignalbox({
    store: {
      name: memory.name,
      open: async (environment) => {
        store = await memory.open(environment);
        return store;
      },
    },
    reactor,
    jobs: [report],
    queues: ['', 'puts'],
  });
  await box.start({ agent: null });
  const { schedules } = box.queue();
  for (let n = 0; n < count; n += 1) await schedules.set(`s${n}`, { every: '1h' }, report);
  const dueUs = await dueOf(store as never as OpenStore);
  gc?.();
  const putUs = await putsOf(box, count);
  // All of them are due after an hour. What else a box does in an hour is no part of a tick.
  await reactor.advance('3599s');
  gc?.();
  const before = cpuUs();
  await reactor.advance('1s');
  const tickUs = (cpuUs() - before) / count;
  if ((await box.queue().length()) !== count) throw new Error('Not every schedule ticked once.');
  await box.stop();
  return { dueUs, putUs, tickUs };
}

/** The median of batches: a single question takes less than a microsecond. */
async function dueOf(store: OpenStore): Promise<number> {
  const batches: number[] = [];
  for (let batch = 0; batch < 21; batch += 1) {
    const before = performance.now();
    for (let n = 0; n < 1000; n += 1) await store.due(n);
    batches.push(performance.now() - before);
  }
  return median(batches);
}

/** Puts so many at a time as the ticker makes ticks. */
async function putsOf(box: Signalbox, count: number): Promise<number> {
  const before = cpuUs();
  for (let n = 0; n < count; n += 200)
    await Promise.all(
      Array.from({ length: Math.min(200, count - n) }, () => box.queue('puts').put(report())),
    );
  return (cpuUs() - before) / count;
}
