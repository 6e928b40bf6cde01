import { defineJob, type Failure, Job, local } from 'signalbox';
import { expect, it } from 'vitest';
import { forEachStore, makeBox } from '../behaviours/stores.ts';

const ran: string[] = [];
const note = defineJob({
  name: 'note',
  run: async (name: string, input: unknown) => {
    await Promise.resolve();
    ran.push(`${name}: ${String(input)}`);
    return input;
  },
});
const seven = defineJob({ name: 'seven', run: () => 7 });
const fail = defineJob({ name: 'fail', run: () => Promise.reject(new RangeError('too far')) });
const give = defineJob({ name: 'give', run: (job: Job) => job });
const putSeven = defineJob({ name: 'putSeven', run: () => local.getQueue().put(seven) });
const jobs = [note, seven, fail, give, putSeven];

forEachStore('A call of a job whose code returns a job', (makeStore) => {
  it('that is completed already resolves with its value, after all callbacks of the outer job', async () => {
    ran.length = 0;
    const { box } = await makeBox({ store: makeStore(), jobs });
    const inner = seven();
    await box.call(inner);
    const outer = give(inner);
    const first = await outer.addCallback(note.partial('first'));
    await first.addCallback(note.partial('below'));
    await outer.addCallback(note.partial('second'));

    expect(await box.call(outer)).toBe(7);

    expect(ran).toEqual(['first: 7', 'below: 7', 'second: 7']);
    expect(outer.status).toBe('COMPLETED');
  });

  it('that has failed already resolves with the Failure, after the callbacks', async () => {
    ran.length = 0;
    const { box } = await makeBox({ store: makeStore(), jobs });
    const inner = fail();
    await box.call(inner);
    const outer = give(inner);
    await outer.addCallback(note.partial('after'));

    const failure = (await box.call(outer)) as unknown as Failure;

    expect([failure.name, failure.message]).toEqual(['RangeError', 'too far']);
    expect(ran).toEqual(['after: <Failure RangeError: too far>']);
  });

  it('that is not over resolves with that job at once', async () => {
    const { box } = await makeBox({ store: makeStore(), jobs, queues: [''] });

    const inner = await box.call(putSeven());

    expect(inner).toBeInstanceOf(Job);
    expect((inner as Job).status).toBe('PENDING');
  });
});
