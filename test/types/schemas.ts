import { createSignalbox, defineJob, detached, Failure, type Job, local, memoryStore } from 'signalbox';
import * as v from 'valibot';
import { z } from 'zod';
import { type Equal, same } from './equal.ts';

// Compiled by test/types/types.test.ts and `npm run check:types`; never run.

const order = z.object({
  sku: z.string(),
  count: z.number().default(1),
  due: z.string().transform((text) => new Date(text)),
});

// A put takes what the schema accepts; the code gets what it makes of that.
const pack = defineJob({
  name: 'pack',
  input: order,
  concurrency: { limit: 1, key: (given) => given.sku },
  run: (given) => {
    same<Equal<typeof given, { sku: string; count: number; due: Date }>>();
    return given.count * 2;
  },
});
same<Equal<Parameters<typeof pack>, [input: { sku: string; count?: number | undefined; due: string }]>>();
same<Equal<ReturnType<typeof pack>, Job<number>>>();
pack({ sku: 'a', due: '2030-01-01' });
// @ts-expect-error the text is missing
pack({ sku: 'a' });
// @ts-expect-error it is stored as text: the code gets a Date
pack({ sku: 'a', due: new Date() });
// @ts-expect-error one argument
pack({ sku: 'a', due: '' }, 1);
// @ts-expect-error no part of the input
pack.partial({ sku: 'a', due: '' });
// @ts-expect-error nor without it
pack.partial();
// @ts-expect-error nor the job itself
pack.bind();

const mail = defineJob({
  name: 'mail',
  input: v.pipeAsync(
    v.string(),
    v.checkAsync(async (to) => to.includes('@')),
  ),
  run: async (to) => to.length,
});
same<Equal<ReturnType<typeof mail>, Job<number>>>();
mail('a@b');
// @ts-expect-error text
mail(1);

// The code gives what the schema of the result accepts; the result is what the schema makes of it.
const total = defineJob({
  name: 'total',
  input: z.array(z.number()),
  output: z.object({ sum: z.number(), state: z.enum(['small', 'large']).default('small') }),
  run: (numbers) => ({ sum: numbers.length, state: 'large' }),
});
same<Equal<ReturnType<typeof total>, Job<{ sum: number; state: 'small' | 'large' }>>>();

const count = defineJob({ name: 'count', output: z.number(), run: async (text: string) => text.length });
same<Equal<Parameters<typeof count>, [text: string]>>();
same<Equal<ReturnType<typeof count>, Job<number>>>();
count.partial('a');

defineJob({
  name: 'others',
  output: z.number(),
  run: (how: number) => {
    if (how === 1) return Failure.from(new Error('no'));
    if (how === 2) return local.snooze('1m');
    return how === 3 ? detached(Promise.resolve(1)) : 4;
  },
});
// @ts-expect-error text is no number
defineJob({ name: 'wrong', output: z.number(), run: (text: string) => text });
// @ts-expect-error nor later
defineJob({ name: 'wrongLater', output: z.number(), run: async (text: string) => text });
// @ts-expect-error a returned job would give a result that no schema has seen
defineJob({ name: 'wrongJob', output: z.number(), run: (text: string) => count(text) });
// @ts-expect-error the result is stored
defineJob({ name: 'notStored', output: z.string().transform((text) => new Date(text)), run: () => '' });
// @ts-expect-error what a put takes is stored
defineJob({ name: 'dated', input: z.object({ at: z.date() }), run: () => {} });
// @ts-expect-error no schema
defineJob({ name: 'none', input: { type: 'object' }, run: () => {} });

export async function used(): Promise<void> {
  const box = await createSignalbox({ store: memoryStore(), jobs: [pack, mail, total, count] });
  const job = await box.queue().put(pack({ sku: 'a', due: '2030-01-01' }));
  same<Equal<Awaited<ReturnType<typeof job.result>>, number>>();
  await job.addCallback(defineJob({ name: 'after', input: z.unknown(), run: () => 'done' }));
  // @ts-expect-error the result is a number, and the schema accepts text
  await job.addCallbacks({ success: mail });
}
