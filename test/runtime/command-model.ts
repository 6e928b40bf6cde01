import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import {
  createSignalbox,
  type Dispatcher,
  defineJob,
  type Job,
  memoryStore,
  type Signalbox,
  SignalboxError,
} from 'signalbox';
import { VirtualReactor } from 'signalbox/testing';
import {
  type Answer,
  applied,
  emptyModel,
  isOrdered,
  type Model,
  type Op,
  settled,
  waiting,
} from './job-model.ts';

const numbers = 6;
const succeed = defineJob({ name: 'succeed', run: (number: number) => number });
const fail = defineJob({
  name: 'fail',
  run: (number: number) => {
    throw new Error(`${number} fails`);
  },
});

/** The real thing: a box in virtual time. */
interface Real {
  readonly box: Signalbox;
  readonly reactor: VirtualReactor;
  readonly scheduler: fc.Scheduler;
  dispatcher: Dispatcher | null;
}

/** The model, which commands replace. */
interface Expected {
  model: Model;
}

type Command = fc.AsyncCommand<Expected, Real>;

const job = fc.nat({ max: numbers - 1 });
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constant('put' as const), job, delayS: fc.constantFrom(0, 0, 10) }),
  },
  fc.record({ op: fc.constant('putBoth' as const), jobs: fc.tuple(job, job), aborts: fc.boolean() }),
  { weight: 3, arbitrary: fc.record({ op: fc.constantFrom('putAgain' as const, 'remove', 'fail'), job }) },
  fc.record({ op: fc.constant('annotate' as const), job, note: fc.nat({ max: 9 }) }),
);

const commands = fc.commands(
  [
    op.map(callAlone),
    fc.array(op, { minLength: 2, maxLength: 4 }).map(race),
    fc.constantFrom(1, 7, 20).map(pass),
    fc.constant(switchOver()),
  ],
  { maxCommands: 25 },
);

/** Makes random calls, alone and racing each other, and compares what is there with the model. @throws the shortest that fails. */
export async function checkModel(which: { readonly seed: number; readonly numRuns: number }): Promise<void> {
  const property = fc.asyncProperty(fc.scheduler(), commands, async (scheduler, made) => {
    const real = await openReal(scheduler);
    try {
      await fc.asyncModelRun(() => ({ model: { model: emptyModel(real.reactor.now()) }, real }), made);
    } finally {
      await real.reactor.until(real.box.stop());
    }
  });
  await fc.assert(property, which);
}

async function openReal(scheduler: fc.Scheduler): Promise<Real> {
  const reactor = new VirtualReactor();
  const box = await createSignalbox({ store: memoryStore(), reactor, jobs: [succeed, fail], queues: [''] });
  reactor.attach(box);
  reactor.run();
  return { box, reactor, scheduler, dispatcher: null };
}

function callAlone(made: Op): Command {
  return {
    check: () => true,
    async run(expected, { box, reactor, ...real }) {
      const { model, answer } = applied(expected.model, made);
      const given = await call(box, made);
      if (given !== answer) throw new Error(`expected ${answer}, got ${given}`);
      await reactor.runUntilIdle();
      expected.model = settled(model);
      await compare(expected.model, { box, reactor, ...real });
    },
    toString: () => JSON.stringify(made),
  };
}

/** Calls at the same time, each begun when the scheduler says so. No dispatcher is at work: it would be one more. */
function race(ops: readonly Op[]): Command {
  return {
    check: ({ model }) => !model.isActive,
    async run(expected, real) {
      const racing = ops.map(async (made) => {
        await real.scheduler.schedule(Promise.resolve(), made.op);
        return { op: made, answer: await call(real.box, made) };
      });
      await real.scheduler.waitAll();
      const calls = await Promise.all(racing);
      const left = await seen(real);
      const found: Model[] = [];
      const isLeft = (after: Model): boolean =>
        isDeepStrictEqual(shown(after), left) && found.push(after) > 0;
      if (!isOrdered(expected.model, calls, isLeft))
        throw new Error(`no order explains ${JSON.stringify({ calls, left })}`);
      expected.model = found[0] as Model;
    },
    toString: () => `race ${JSON.stringify(ops)}`,
  };
}

function pass(seconds: number): Command {
  return {
    check: () => true,
    async run(expected, real) {
      await real.reactor.advance(seconds * 1000);
      expected.model = settled({ ...expected.model, now: expected.model.now + seconds * 1000 });
      await compare(expected.model, real);
    },
    toString: () => `${seconds} s pass`,
  };
}

/** A dispatcher begins, or the one that is at work ends. */
function switchOver(): Command {
  return {
    check: () => true,
    async run(expected, real) {
      const { box, reactor } = real;
      if (real.dispatcher === null) real.dispatcher = await reactor.until(box.start());
      else if (expected.model.isActive) await reactor.until(real.dispatcher.deactivate());
      else real.dispatcher.activate();
      await reactor.runUntilIdle();
      expected.model = settled({ ...expected.model, isActive: !expected.model.isActive });
      await compare(expected.model, real);
    },
    toString: () => 'switch over',
  };
}

async function call(box: Signalbox, made: Op): Promise<Answer> {
  const abort = new Error('aborted');
  try {
    await performed(box, made, abort);
    return 'ok';
  } catch (error) {
    if (error === abort) return 'aborted';
    if (error instanceof SignalboxError) return error.code;
    throw error;
  }
}

async function performed(box: Signalbox, made: Op, abort: Error): Promise<void> {
  if (made.op === 'putBoth') {
    await box.transaction(async (tx) => {
      for (const number of new Set(made.jobs)) await tx.queue().put(draft(number, 0));
      if (made.aborts) throw abort;
    });
    return;
  }
  const known = box.job(`j${made.job}`);
  if (made.op === 'put') await box.queue().put(draft(made.job, made.delayS));
  else if (made.op === 'annotate') await (await known.refresh()).setAnnotation('note', made.note);
  else if (made.op === 'putAgain') await box.queue().put((await known.refresh()) as Job<number>);
  else if (made.op === 'remove') await box.queue().remove(known);
  else await known.fail(new Error('from outside'));
}

function draft(number: number, delayS: number): Job<unknown> {
  const made = number % 2 === 0 ? succeed(number) : fail(number);
  const beginAfter = delayS === 0 ? {} : { beginAfter: `${delayS}s` as const };
  return made.with({ id: `j${number}`, ...beginAfter });
}

async function compare(model: Model, real: Real): Promise<void> {
  const [expected, found] = [shown(model), await seen(real)];
  if (!isDeepStrictEqual(found, expected))
    throw new Error(`expected ${JSON.stringify(expected)}, got ${JSON.stringify(found)}`);
}

/** What callers see. */
interface Seen {
  readonly waiting: readonly string[];
  readonly jobs: readonly string[];
}

function shown(model: Model): Seen {
  const jobs = [...model.jobs].sort(([one], [other]) => one - other);
  return {
    waiting: waiting(model)
      .map((number) => `j${number}`)
      .sort(),
    jobs: jobs.map(
      ([number, { status, ending, note, beginAfter }]) =>
        `j${number} ${status} ${ending} ${note} ${beginAfter}`,
    ),
  };
}

async function seen({ box }: Real): Promise<Seen> {
  const jobs: string[] = [];
  for (let number = 0; number < numbers; number += 1) {
    const known = box.job(`j${number}`);
    try {
      await known.refresh();
    } catch {
      continue;
    }
    jobs.push(
      `j${number} ${known.status} ${known.ending} ${known.annotations.note ?? null} ${Number(known.beginAfter)}`,
    );
  }
  return { waiting: (await box.queue().jobs()).map(({ id }) => id ?? '').sort(), jobs };
}
