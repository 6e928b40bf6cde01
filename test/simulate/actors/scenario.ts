import { defineJob, local, SignalboxError } from 'signalbox';
import type { SimulatedClient, SimulatedRun, SimulatedScenario } from 'signalbox/testing';
import { alarm, brittle, counter, fragile, guardian, talker } from './machines.ts';
import { charge, invoice, mail, order, parcel, refund } from './order.ts';

const machines = [counter, order, parcel, talker, alarm, fragile, brittle, guardian];
const keys = ['x', 'y', 'z'] as const;

/** Counts in a job: the message goes with its result, and is dropped when it throws. */
export const tell = defineJob({
  name: 'tell',
  run: async (key: string, by: number, fails: boolean) => {
    await local.actor(counter, key).send({ type: 'add', by });
    if (fails) throw new Error('after the message');
    return by;
  },
});

/** Asks in a job: the step is part of its commit. */
const tally = defineJob({
  name: 'tally',
  run: async (key: string, by: number) => {
    const { context } = await local.actor(counter, key).ask({ type: 'add', by });
    return context.sum;
  },
});

/** The life that durable actors lead in our seeds: counters, orders, actors that write to each other, and some that break. */
export function actorScenario(run: SimulatedRun): SimulatedScenario {
  const ids = new Set<string>();
  return {
    machines,
    jobs: [charge, invoice, refund, mail, tell, tally],
    acts: 36,
    prepare: async (box) => {
      for (const key of keys) {
        ids.add((await box.actor(counter, key).start()).id);
        const other = key === 'x' ? 'y' : 'x';
        ids.add((await box.actor(talker, key).start({ other })).id);
        ids.add((await box.actor(fragile, key).start()).id);
        ids.add((await box.actor(alarm, key).start()).id);
      }
    },
    act: (client) => act(run, client, ids),
    check: () => {
      for (const id of ids)
        if (run.actor(id)?.state === 'broken') run.violated(`I30 actor ${id} sees what cannot be`);
    },
  };
}

async function act(run: SimulatedRun, client: SimulatedClient, ids: Set<string>): Promise<void> {
  const { random } = client;
  const key = random.pick(keys);
  const acts: readonly (() => Promise<unknown>)[] = [
    () => count(client, key),
    () => count(client, key),
    () => dealWithOrder(client, ids),
    () => dealWithOrder(client, ids),
    () => client.send(talker, key, { type: 'ball', left: random.integer(1, 6) }),
    () => ring(client, key),
    () => breakOne(run, client, key),
    () => guard(client, ids),
    () => operate(run, client, ids),
    () => operate(run, client, ids),
    () => transact(client, key),
    () => holdUp(client, key),
    () => holdUp(client, key),
  ];
  await random.pick(acts)();
}

async function count(client: SimulatedClient, key: string): Promise<void> {
  const { random } = client;
  const by = random.integer(1, 14);
  switch (random.integer(0, 4)) {
    case 0:
      await client.put(() => tell(key, by, false));
      return;
    case 1:
      await client.put(() => (by > 7 ? tally(key, by) : tell(key, by, true)));
      return;
    case 2:
      await client.put(() => client.box.actor(counter, key).job({ type: 'add', by }));
      return;
    case 3:
      await client.ask(counter, key, { type: 'add', by });
      return;
    default:
      for (let left = random.integer(1, 4); left > 0; left -= 1)
        await client.send(counter, key, { type: 'add', by: random.integer(1, 14) });
  }
}

async function dealWithOrder(client: SimulatedClient, ids: Set<string>): Promise<void> {
  const { random, number, box } = client;
  const key = `${number % 5}`;
  const cents = random.integer(100, 900);
  const id = await client.start(order, key, { id: key, cents });
  if (id === null) return;
  ids.add(id);
  for (let left = random.integer(1, 4); left > 0; left -= 1) {
    const type = random.pick([
      'approve',
      'approve',
      'approve',
      'again',
      'again',
      'cancel',
      'reject',
    ] as const);
    if (random.chance(0.2)) await swallowed(box.actorById(`${id}/parcel`).send({ type: 'scan' } as never));
    await client.send(order, key, { type });
    if (random.chance(0.1))
      await swallowed(box.actor(order, key).start({ id: key, cents }, { ifExists: 'restart' }));
  }
}

async function ring(client: SimulatedClient, key: string): Promise<void> {
  await client.send(alarm, key, { type: 'arm' });
  if (client.random.chance(0.6)) await client.send(alarm, key, { type: 'calm' });
}

/** One that is suspended keeps its mail, and is resumed, skipped or stopped some time; one that has ended begins anew. */
async function breakOne(
  run: SimulatedRun,
  { send, box, random }: SimulatedClient,
  key: string,
): Promise<void> {
  const status = run.actor(`fragile/${key}`)?.status;
  if (status === 'stopped') await box.actor(fragile, key).start({ ifExists: 'restart' } as never);
  await send(fragile, key, { type: random.pick(['count', 'break'] as const) });
  await send(fragile, key, { type: 'count' });
  const actor = box.actor(fragile, key);
  if (run.actor(`fragile/${key}`)?.status !== 'suspended') return;
  const what = random.integer(0, 3);
  if (what === 0) await actor.resume();
  else if (what === 1) await actor.skip();
  else if (what === 2) await actor.stop();
  await send(fragile, key, { type: 'count' });
}

async function guard(client: SimulatedClient, ids: Set<string>): Promise<void> {
  const key = `${client.number}`;
  const id = await client.start(guardian, key);
  if (id === null) return;
  ids.add(id);
  if (client.random.chance(0.2)) await client.send(guardian, key, { type: 'enough' });
}

/** What an operator does to any actor. */
async function operate(
  run: SimulatedRun,
  { box, random, send }: SimulatedClient,
  ids: Set<string>,
): Promise<void> {
  const id = random.pick([...ids]);
  const actor = box.actorById(id);
  const status = run.actor(id)?.status;
  if (status === 'suspended') {
    // An alarm minds that its timers all come.
    if (random.chance(0.7) || id.startsWith('alarm')) await actor.resume();
    else await actor.skip();
  } else if (status === 'active' && random.chance(0.8)) {
    await actor.suspend('an operator says so');
    if (random.chance(0.5)) await send(counter, random.pick(keys), { type: 'add', by: 1 });
    if (random.chance(0.7)) await actor.resume();
  } else if (status === 'active' && !id.startsWith('counter') && !id.startsWith('talker')) await actor.stop();
}

/** What is sent to a suspended actor waits, and comes before what is sent while it goes on. */
async function holdUp({ box, send, random }: SimulatedClient, key: string): Promise<void> {
  const machine = random.pick([counter, fragile] as const);
  const one = (): Promise<unknown> =>
    machine === counter
      ? send(counter, key, { type: 'add', by: random.integer(1, 14) })
      : send(fragile, key, { type: 'count' });
  const actor = box.actorById(`${machine.name}/${key}`);
  await actor.suspend('it is held up');
  for (let left = random.integer(1, 3); left > 0; left -= 1) await one();
  await Promise.all([actor.resume(), one()]);
  await one();
}

/** A question and a put are one commit. */
function transact({ box, random }: SimulatedClient, key: string): Promise<unknown> {
  return box.transaction(async (tx) => {
    const { context } = await tx.actor(counter, key).ask({ type: 'add', by: random.integer(1, 12) });
    await tx.queue().put(mail(key, `${context.times}`));
    if (random.chance(0.5)) await tx.actor(talker, key).send({ type: 'ball', left: 2 });
  });
}

/** What a fault or the state of an actor refuses ends nothing. */
async function swallowed(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof SignalboxError) && !/simulated/.test(String(error))) throw error;
  }
}
