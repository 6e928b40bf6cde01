import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  agent,
  createSignalbox,
  Dispatcher,
  defineJob,
  type Job,
  type LogFields,
  type Logger,
  type LogLevel,
  local,
  memoryStore,
  NodeReactor,
  type Queue,
  type Representation,
  type RunnableReactor,
  type Signalbox,
  type SignalboxOptions,
  type Store,
} from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { getPoll, VirtualReactor } from 'signalbox/testing';
import { afterEach } from 'vitest';

const folders: string[] = [];
const boxes: Signalbox[] = [];

afterEach(async () => {
  for (const box of boxes.splice(0)) if (box.state !== 'stopped') await box.stop();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A path in a fresh folder that is removed after the test; nothing is there yet. */
export function newPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-founding-'));
  folders.push(folder);
  return join(folder, 'jobs');
}

/** The stores that the founding document is run over. */
export const stores: readonly (readonly [name: string, make: () => Store])[] = [
  ['memory', () => memoryStore()],
  ['json', () => jsonStore(newPath())],
];

/** `operator.mul`, which refuses what is no number as Python's does. */
export const multiply = defineJob({
  name: 'multiply',
  run: (a: number, b: number | null) => {
    if (b === null) throw new TypeError("unsupported operand type(s) for *: 'number' and 'null'");
    return a * b;
  },
});

/** `operator.mod`. */
export const remainder = defineJob({ name: 'remainder', run: (a: number, b: number) => a % b });

/** Puts another job and returns it: its result becomes this job's. */
export const handOff = defineJob({
  name: 'handOff',
  run: (): Promise<Job<number>> => local.getQueue().put(multiply(21, 2)),
});

/** Talks to the outside while it runs. */
export const converse = defineJob({
  name: 'converse',
  run: async () => {
    await local.setLiveAnnotation('hello', 'from inside!');
    const reply = await local.getLiveAnnotation('reply', { timeout: '3s', poll: '100ms' });
    const seen = local.getJob()?.annotations.reply ?? 'MISSING';
    return `reply is '${reply}'. Locally it is ${seen}.`;
  },
});

/** One entry of a log. */
export interface LogEntry extends LogFields {
  readonly level: LogLevel;
  readonly message: string;
}

/** A logger that keeps its entries: the document's "magic log handlers". */
export class LogBook implements Logger {
  readonly entries: LogEntry[] = [];
  readonly debug = this.#keeper('DEBUG');
  readonly info = this.#keeper('INFO');
  readonly warn = this.#keeper('WARNING');
  readonly error = this.#keeper('ERROR');
  readonly fatal = this.#keeper('CRITICAL');

  #keeper(level: LogLevel): Logger['debug'] {
    return (fields, message) => void this.entries.push({ ...fields, level, message });
  }

  of(stream: LogFields['stream'], level: LogLevel): LogEntry[] {
    return this.entries.filter((entry) => entry.stream === stream && entry.level === level);
  }
}

/** A box with a log that can be read, stopped after the test. */
export async function newBox(
  store: Store,
  options: Partial<SignalboxOptions> = {},
): Promise<{ readonly box: Signalbox; readonly log: LogBook }> {
  const log = new LogBook();
  const jobs = [multiply, remainder, handOff, converse, ...(options.jobs ?? [])];
  const box = await createSignalbox({ store, logger: log, ...options, jobs });
  boxes.push(box);
  return { box, log };
}

/** What the document has at hand once its agent has been found by a poll. */
export interface Opening {
  readonly box: Signalbox;
  readonly log: LogBook;
  readonly reactor: RunnableReactor;
  readonly dispatcher: Dispatcher;
  readonly queue: Queue;
  readonly representation: Representation;
}

/** The document's way to a working dispatcher in real time: activate, make the queue, set the agent, a poll after each. */
export async function opening(store: Store, options: Partial<SignalboxOptions> = {}): Promise<Opening> {
  const reactor = new NodeReactor();
  const { box, log } = await newBox(store, { reactor, ...options });
  const dispatcher = new Dispatcher(box, { reactor, pollInterval: '50ms' });
  dispatcher.activate();
  reactor.run();
  await getPoll(dispatcher, 0);
  const queue = await box.createQueue('');
  await getPoll(dispatcher);
  const representation = await queue.dispatchers.get(dispatcher.uuid);
  await representation.agents.set('main', agent());
  await getPoll(dispatcher);
  return { box, log, reactor, dispatcher, queue, representation };
}

/** The same in virtual time: nothing polls unless the test lets time pass. */
export async function virtualOpening(
  store: Store,
  options: Partial<SignalboxOptions> = {},
): Promise<Opening & { readonly reactor: VirtualReactor }> {
  const reactor = new VirtualReactor();
  const { box, log } = await newBox(store, { reactor, ...options });
  reactor.attach(box);
  const dispatcher = new Dispatcher(box);
  const queue = await box.createQueue('');
  dispatcher.activate();
  reactor.run();
  await reactor.runUntilIdle();
  const representation = await queue.dispatchers.get(dispatcher.uuid);
  await representation.agents.set('main', agent());
  await reactor.until(getPoll(dispatcher));
  return { box, log, reactor, dispatcher, queue, representation };
}
