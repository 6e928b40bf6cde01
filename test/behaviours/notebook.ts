import { type Dispatcher, defineJob, Failure, type Job, type Json } from 'signalbox';
import type { TestBox } from './stores.ts';

/** What a callback was called with, as a test compares it: a Failure by its text. */
export function plain(input: unknown): unknown {
  return input instanceof Failure ? `${input.name}: ${input.message}` : input;
}

/** Jobs that tell a test that they ran and with what, and jobs that end as they are told. */
export function makeNotebook() {
  const notes: unknown[][] = [];
  return {
    /** Labels and inputs of every call of `note`, in order. */
    notes,
    note: defineJob({
      name: 'note',
      run: (label: string, ...input: unknown[]): string => {
        notes.push([label, ...input.map(plain)]);
        return `noted ${label}`;
      },
    }),
    give: defineJob({ name: 'give', run: (value: Json): Json => value }),
    raise: defineJob({
      name: 'raise',
      run: (message: string): never => {
        throw new Error(message);
      },
    }),
  };
}

/** The dispatcher of a crew whose agent holds the job, or the job that it is a callback of. */
export async function holderOf(crew: readonly Dispatcher[], job: Job<unknown>): Promise<Dispatcher> {
  const { dispatcher } = await job.place();
  const found = crew.find((member) => member.uuid === dispatcher);
  if (found === undefined) throw new Error(`no dispatcher of the crew holds ${job}`);
  return found;
}

/** The process of a dispatcher dies: nothing is cleaned, nothing is said. */
export function crash(testBox: TestBox, dispatcher: Dispatcher): void {
  dispatcher.abandon();
  testBox.box.popDispatcher(dispatcher.uuid);
}

/** Crashes who holds the job, and lets the rest of the crew notice and take over. */
export async function crashHolder(
  testBox: TestBox,
  crew: readonly Dispatcher[],
  job: Job<unknown>,
): Promise<Dispatcher> {
  const holder = await holderOf(crew, job);
  crash(testBox, holder);
  await testBox.reactor.advance('70s');
  return holder;
}

/** UUIDs for crews of two. */
export const two = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'] as const;
