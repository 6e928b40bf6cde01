import {
  agent,
  createSignalbox,
  defineChooser,
  defineFilter,
  defineJob,
  detached,
  Failure,
  type Job,
  type JobOutcome,
  type JobRecord,
  local,
  memoryStore,
  parallel,
  type Signalbox,
  serial,
} from 'signalbox';
import { type Equal, same } from './equal.ts';

// Compiled by test/types/types.test.ts and `npm run check:types`; never run.

const multiply = defineJob({ name: 'multiply', run: (a: number, b: number) => a * b });
const greet = defineJob({ name: 'greet', run: async (name: string) => `hello ${name}` });
const touch = defineJob({ name: 'touch', run: () => {} });
const touchLater = defineJob({ name: 'touchLater', run: async () => {} });
const inner = defineJob({ name: 'inner', run: () => multiply(1, 2) });
const innerLater = defineJob({ name: 'innerLater', run: async () => multiply(1, 2) });
const promised = defineJob({ name: 'promised', run: () => detached(Promise.resolve('text')) });
const mayFail = defineJob({
  name: 'mayFail',
  run: (half: number): number | Failure => (half % 1 === 0 ? half : Failure.from(new Error('no'))),
});
const optional = defineJob({ name: 'optional', run: (a: number, b?: string) => `${a}${b}` });
const takesJob = defineJob({ name: 'takesJob', run: (job: Job<number>) => job.outcome?.ok === true });
const nothing = defineJob({ name: 'nothing', run: () => null });
const perhaps = defineJob({ name: 'perhaps', run: (n: number) => (n > 0 ? n : undefined) });
const nothingApart = defineJob({ name: 'nothingApart', run: () => detached(Promise.resolve()) });
const jobOrValue = defineJob({ name: 'jobOrValue', run: (n: number) => (n > 0 ? multiply(n, 1) : 'none') });

export async function results(box: Signalbox): Promise<void> {
  const job = await box.queue().put(multiply(14, 3));
  same<Equal<typeof job, Job<number>>>();
  const result = await job.result();
  same<Equal<typeof result, number>>();
  same<Equal<typeof job.outcome, JobOutcome<number> | null>>();

  const greeting = await (await box.queue().put(greet('Ada'))).result();
  same<Equal<typeof greeting, string>>();
  const delayed = await (await box.queue().put(multiply(1, 2), { beginAfter: '5m', beginBy: '1h' })).result();
  same<Equal<typeof delayed, number>>();
  const bare = await (await box.queue().put(nothing)).result();
  same<Equal<typeof bare, null>>();
}

// A job without a value gives null, as JSON has it.
same<Equal<ReturnType<typeof touch>, Job<null>>>();
same<Equal<ReturnType<typeof touchLater>, Job<null>>>();

same<Equal<ReturnType<typeof perhaps>, Job<number | null>>>();
same<Equal<ReturnType<typeof nothingApart>, Job<null>>>();
same<Equal<ReturnType<typeof jobOrValue>, Job<number | 'none'>>>();

// A returned job and a detached promise give their own result.
same<Equal<ReturnType<typeof inner>, Job<number>>>();
same<Equal<ReturnType<typeof innerLater>, Job<number>>>();
same<Equal<ReturnType<typeof promised>, Job<string>>>();

// A Failure is no value: result() throws it.
same<Equal<ReturnType<typeof mayFail>, Job<number>>>();

// Arguments are those of `run`.
// @ts-expect-error text is no number
multiply('14', 3);
// @ts-expect-error an argument is missing
multiply(14);
// @ts-expect-error an argument is too many
multiply(14, 3, 1);
// @ts-expect-error a job of text is no job of a number
takesJob(greet('Ada'));
takesJob(multiply(1, 2));
optional(1);
optional(1, 'a');
// @ts-expect-error the optional argument is text
optional(1, 2);
// @ts-expect-error partial arguments have their types too
multiply.partial('14');

export async function callbacks(box: Signalbox): Promise<void> {
  const job = await box.queue().put(multiply(1, 2));
  const format = defineJob({ name: 'format', run: (value: number | Failure) => String(value) });
  const formatWith = defineJob({
    name: 'formatWith',
    run: (prefix: string, value: number | Failure) => `${prefix}${value}`,
  });
  const onText = defineJob({ name: 'onText', run: (value: string) => value.length });
  const onNumber = defineJob({ name: 'onNumber', run: (value: number) => value + 1 });
  const onFailure = defineJob({ name: 'onFailure', run: (failure: Failure) => failure.message });

  const formatted = await job.addCallback(format);
  same<Equal<typeof formatted, Job<string>>>();
  const prefixed = await job.addCallback(formatWith.partial('= '));
  same<Equal<typeof prefixed, Job<string>>>();
  // @ts-expect-error the callback takes text, the parent gives a number
  await job.addCallback(onText);
  // @ts-expect-error without a Failure among what it takes, it does not take every outcome
  await job.addCallback(onNumber);
  await job.addCallbacks({ success: onNumber, failure: onFailure });
  // @ts-expect-error the success branch gets the value
  await job.addCallbacks({ success: onFailure });
  // @ts-expect-error the failure branch gets the Failure
  await job.addCallbacks({ failure: onNumber });
}

const sum = defineJob({
  name: 'sum',
  run: (...jobs: Job<number>[]) =>
    jobs.reduce((total, job) => total + (job.outcome?.ok ? job.outcome.value : 0), 0),
});
const joined = serial([multiply(1, 2), touch]);
same<Equal<typeof joined, Job<readonly Job<unknown>[]>>>();
const summed = parallel([multiply(1, 2), multiply(3, 4)], { postprocess: sum.partial() });
same<Equal<typeof summed, Job<number>>>();
const summedBare = serial([multiply(1, 2)], { postprocess: sum });
same<Equal<typeof summedBare, Job<number>>>();

export async function settings(box: Signalbox): Promise<void> {
  await box.queue().put(multiply(1, 2).with({ quotaNames: ['disk'], retryPolicy: 'NeverRetry' }));
  // @ts-expect-error quota names are a list
  await box.queue().put(multiply(1, 2), { quotaNames: 'disk' });
  // @ts-expect-error no such level
  await box.queue().put(multiply(1, 2), { failureLogLevel: 'LOUD' });
  // @ts-expect-error a bare function is no job
  await box.queue().put(() => 1);
  // @ts-expect-error arguments are missing
  await box.queue().put(multiply);
  // @ts-expect-error no such status
  await (await box.queue().put(touch())).waitFor('DONE');
  agent({ size: 3, filter: { jobs: ['mail.*'] } });
  agent({ filter: defineFilter('small', (job: JobRecord) => job.args.length === 0) });
  agent({ chooser: defineChooser('first', ([first]) => first ?? null) });
  // @ts-expect-error no such part of a filter
  agent({ filter: { job: ['mail.*'] } });
  // @ts-expect-error a filter function needs a name
  agent({ filter: () => true });
  // @ts-expect-error a store is needed
  await createSignalbox({ jobs: [multiply] });
  await createSignalbox({ store: memoryStore(), jobs: [multiply, greet, touch, takesJob] });
}

export async function inside(box: Signalbox): Promise<void> {
  const here = local.getJob();
  same<Equal<typeof here, Job<unknown> | null>>();
  same<Equal<typeof local.signal, AbortSignal>>();
  const kept = await box.transaction(async (tx) => tx.queue().put(multiply(1, 2)));
  same<Equal<typeof kept, Job<number>>>();
}
