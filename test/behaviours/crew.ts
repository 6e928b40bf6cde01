import {
  type AgentHandle,
  type AgentSettings,
  agent,
  Dispatcher,
  type DispatcherOptions,
  defineJob,
  local,
  type Representation,
} from 'signalbox';
import type { TestBox } from './stores.ts';

/** Jobs that a test holds in its hands: each starts, says so, and goes on when the test opens its gate. */
export function makeWorkshop() {
  const gates = new Map<string, { promise: Promise<unknown>; open: (value: unknown) => void }>();
  const started: string[] = [];
  const signals: AbortSignal[] = [];
  const gateOf = (name: string) => {
    let gate = gates.get(name);
    if (gate === undefined) {
      let open: (value: unknown) => void = () => {};
      const promise = new Promise((resolve) => {
        open = resolve;
      });
      gate = { promise, open };
      gates.set(name, gate);
    }
    return gate;
  };
  return {
    /** Names of the jobs that were called, in order, once for each call. */
    started: started as readonly string[],
    /** The signals of the held jobs, in order of their calls. */
    signals: signals as readonly AbortSignal[],
    hold: defineJob({
      name: 'hold',
      run: async (name: string) => {
        started.push(name);
        signals.push(local.signal);
        return await gateOf(name).promise;
      },
    }),
    done: defineJob({
      name: 'done',
      run: (name: string) => {
        started.push(name);
        return name;
      },
    }),
    fail: defineJob({
      name: 'fail',
      run: (message: string): never => {
        throw new Error(message);
      },
    }),
    /** Resolves when the test opens this gate: for jobs of the test's own. */
    opened: (name: string) => gateOf(name).promise,
    /** Ends a held job. */
    open: (name: string, value: unknown = name) => gateOf(name).open(value),
  };
}

/** What a crew is made from. */
export interface CrewOptions extends Omit<DispatcherOptions, 'uuid' | 'reactor'> {
  /** Agents that each dispatcher gets in each queue as it is activated. Default: `main`, size 3, any job. */
  readonly agents?: { readonly [name: string]: AgentSettings };
}

/** Makes and activates dispatchers of these uuids in one box, and waits for their first polls. */
export async function startCrew(
  testBox: TestBox,
  uuids: readonly string[],
  options: CrewOptions = {},
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
  const crew = uuids.map((uuid) => new Dispatcher(box, { ...dispatcherOptions, uuid }));
  for (const dispatcher of crew) {
    dispatcher.activate();
    await reactor.runUntilIdle();
  }
  return crew;
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

/** Names of jobs given to `hold` and `done`, for comparing lists of jobs. */
export function namesOf(jobs: readonly { readonly args: readonly unknown[] }[]): unknown[] {
  return jobs.map((job) => job.args[0]);
}
