import {
  BadStatusError,
  durationMs,
  EventRefusedError,
  type JobDefinition,
  type MachineDefinition,
  type Signalbox,
} from '../../index.ts';
import type { StrikingNemesis } from '../explore/strike.ts';
import { isExpected, type SimulatedClient } from '../simulate/cluster/client.ts';
import type { NemesisDeps } from '../simulate/cluster/nemesis.ts';
import type { SimulatedScenario } from '../simulate/cluster/scenario.ts';
import { type Cast, partsOf } from './cast.ts';
import { type BoxCommand, lineOf } from './command.ts';
import type { Reference } from './reference.ts';

/** A scenario of stories: what `simulate` takes, without acts. */
export interface StoryScenario extends Omit<SimulatedScenario, 'act' | 'acts'> {
  /** What an actor is started with, by name of its machine. Default: nothing. */
  readonly inputs?: { readonly [machine: string]: (key: string) => unknown };
}

/** What a story is told with. */
export interface Stage extends Pick<NemesisDeps, 'world' | 'cluster'> {
  readonly nemesis: StrikingNemesis;
  readonly reference: Reference;
}

const patienceMs = 30_000;

/** Performs the commands of a story, one after the other, and compares each answer with the model. */
export class Story {
  readonly #commands: readonly BoxCommand[];
  readonly #scenario: StoryScenario;
  readonly #cast: Cast;
  readonly #stage: () => Stage;
  /** Ids of the jobs that were put. */
  readonly #put: string[] = [];

  constructor(commands: readonly BoxCommand[], scenario: StoryScenario, cast: Cast, stage: () => Stage) {
    this.#commands = commands;
    this.#scenario = scenario;
    this.#cast = cast;
    this.#stage = stage;
  }

  async tell(client: SimulatedClient): Promise<void> {
    for (const command of this.#commands) {
      this.#stage().world.note(`> ${lineOf(command)}`);
      await this.#perform(command, client);
    }
  }

  /** Compares what programs see with the model when all is over. */
  async compare(box: Signalbox): Promise<void> {
    const { reference } = this.#stage();
    for (const id of this.#put) reference.endedJob(id, (await box.job(id).refresh()).status);
    for (const id of reference.actors()) reference.endedActor(id, await box.actorById(id).snapshot());
  }

  async #perform(command: BoxCommand, client: SimulatedClient): Promise<void> {
    const { world, nemesis } = this.#stage();
    switch (command.do) {
      case 'put': {
        const { job, args } = command;
        const id = await client.put(() =>
          (this.#cast.jobs.get(job) as JobDefinition<readonly unknown[]>)(...args),
        );
        if (id !== null) this.#put.push(id);
        return;
      }
      case 'send':
      case 'ask':
        return this.#tellActor(command, client);
      case 'advance':
        return world.sleep(durationMs(command.by, 'by'));
      case 'pull':
        return this.#ofJob(command.job, (box, id) => this.#pull(box, id));
      case 'cancel':
        return this.#ofJob(command.job, (box, id) => this.#cancel(box, id));
      case 'kill':
        return nemesis.arm('kill', command.commit);
      case 'power cut':
        return nemesis.arm('lost', command.commit);
      case 'lose an answer':
        return nemesis.arm('unanswered', command.commit);
      case 'fail the next call':
        return nemesis.arm('throws', 0);
    }
  }

  async #tellActor(
    { do: how, actor, event }: Extract<BoxCommand, { do: 'send' | 'ask' }>,
    client: SimulatedClient,
  ): Promise<void> {
    const { reference, world } = this.#stage();
    const [name, key] = partsOf(actor);
    const machine = this.#cast.machines.get(name) as MachineDefinition;
    if (!reference.hasActor(actor)) await client.start(machine, key, this.#scenario.inputs?.[name]?.(key));
    const since = reference.markActor(actor);
    if (how === 'send') {
      const receipt = await client.send(machine, key, event as never);
      if (receipt?.taken === false && !receipt.isDuplicate)
        reference.ignored(actor, since, event, world.now());
      return;
    }
    try {
      reference.answered(actor, since, event, await client.ask(machine, key, event as never));
    } catch (error) {
      if (error instanceof EventRefusedError) reference.ignored(actor, since, event, world.now());
      else if (!isExpected(error)) throw error;
    }
  }

  /** What an operator asks for. A process that dies meanwhile does not answer. */
  async #ofJob(fromLast: number, call: (box: Signalbox, id: string) => Promise<void>): Promise<void> {
    const { world, cluster } = this.#stage();
    const id = this.#put.at(-fromLast);
    if (id === undefined) return world.note('there is no such job');
    let box = cluster.anyBox();
    for (; box === null; box = cluster.anyBox()) await world.sleep(1000);
    const called = call(box, id).catch((error: unknown) => {
      if (!isExpected(error)) throw error;
      world.note(`the request failed: ${String(error)}`);
    });
    await Promise.race([called, world.sleep(patienceMs)]);
  }

  async #pull(box: Signalbox, id: string): Promise<void> {
    const { reference } = this.#stage();
    const since = reference.markJob(id);
    const isPulled = await pulled(box, id);
    reference.pulled(id, since, isPulled);
  }

  async #cancel(box: Signalbox, id: string): Promise<void> {
    const { reference } = this.#stage();
    const since = reference.markJob(id);
    reference.cancelled(id, since, await box.job(id).cancel());
  }
}

async function pulled(box: Signalbox, id: string): Promise<boolean> {
  const job = await box.job(id).refresh();
  const { queue } = await job.place();
  if (queue === null) return false;
  try {
    await box.queue(queue).remove(job);
    return true;
  } catch (error) {
    if (error instanceof BadStatusError) return false;
    throw error;
  }
}
