import {
  type AgentHandle,
  type AgentSettings,
  agent,
  Dispatcher,
  type DispatcherOptions,
  type Job,
  type Representation,
} from 'signalbox';
import type { TestBox } from './stores.ts';

/** How dispatchers are made. */
export interface StartOptions extends Omit<DispatcherOptions, 'uuid' | 'reactor'> {
  /** Agents that each dispatcher gets in each queue as it is activated. Default: `main`, size 3, any job. */
  readonly agents?: { readonly [name: string]: AgentSettings };
}

/** Makes and activates dispatchers of these uuids in one box, and waits for their first polls. */
export async function startDispatchers(
  testBox: TestBox,
  uuids: readonly string[],
  options: StartOptions = {},
): Promise<Dispatcher[]> {
  const { box, reactor } = testBox;
  const { agents = { main: agent() }, ...dispatcherOptions } = options;
  await box.createQueue('');
  box.on('dispatcherActivated', async ({ representation }) => {
    for (const [name, settings] of Object.entries(agents)) {
      if ((await representation.agents.get(name)) === null) await representation.agents.set(name, settings);
    }
  });
  reactor.run();
  const dispatchers = uuids.map((uuid) => new Dispatcher(box, { ...dispatcherOptions, uuid }));
  for (const dispatcher of dispatchers) {
    dispatcher.activate();
    await reactor.runUntilIdle();
  }
  return dispatchers;
}

/** The representation of a dispatcher in a queue, as it is now. */
export function representationOf(testBox: TestBox, uuid: string, queue = ''): Promise<Representation> {
  return testBox.box.queue(queue).dispatchers.get(uuid);
}

/** An agent of a dispatcher, as it is now. */
export async function agentOf(
  testBox: TestBox,
  uuid: string,
  name = 'main',
  queue = '',
): Promise<AgentHandle> {
  const representation = await representationOf(testBox, uuid, queue);
  const handle = await representation.agents.get(name);
  if (handle === null) throw new Error(`no agent ${name}`);
  return handle;
}

/** The dispatcher whose agent holds the job, or the job that it is a callback of. */
export async function holderOf(dispatchers: readonly Dispatcher[], job: Job<unknown>): Promise<Dispatcher> {
  const { dispatcher } = await job.place();
  const found = dispatchers.find((each) => each.uuid === dispatcher);
  if (found === undefined) throw new Error(`no dispatcher holds ${job}`);
  return found;
}

/** Ends a dispatcher as the death of its process does: nothing is cleaned, nothing is written. */
export function crash(testBox: TestBox, dispatcher: Dispatcher): void {
  dispatcher.abandon();
  testBox.box.popDispatcher(dispatcher.uuid);
}

/** Crashes the dispatcher that holds the job, and lets the others notice it and take over. */
export async function crashHolder(
  testBox: TestBox,
  dispatchers: readonly Dispatcher[],
  job: Job<unknown>,
): Promise<Dispatcher> {
  const holder = await holderOf(dispatchers, job);
  crash(testBox, holder);
  await testBox.reactor.advance('70s');
  return holder;
}

/** UUIDs for two dispatchers. */
export const twoUuids = [
  '11111111-1111-4111-8111-111111111111',
  '22222222-2222-4222-8222-222222222222',
] as const;
