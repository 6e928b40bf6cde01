import {
  BadStatusError,
  durationMs,
  EventRefusedError,
  type HistoryEntry,
  type JobDefinition,
  type MachineDefinition,
  type Signalbox,
} from '../../index.ts';
import { checkObject } from '../check-options.ts';
import { StrikingNemesis } from '../explore/strike.ts';
import { isExpected } from '../simulate/cluster/careful-calls.ts';
import type { SimulatedClient } from '../simulate/cluster/client.ts';
import type { Nemesis, NemesisDeps } from '../simulate/cluster/nemesis.ts';
import type { SimulatedScenario } from '../simulate/cluster/scenario.ts';
import { Oracle } from '../simulate/oracle/oracle.ts';
import { type Cast, castOf, checkCommand, partsOf } from './cast.ts';
import { type BoxCommand, lineOf } from './command.ts';
import { Reference } from './reference.ts';

/** A scenario of stories: what `simulate` takes, without acts. */
export interface StoryScenario extends Omit<SimulatedScenario, 'act' | 'acts'> {
  /** What an actor is started with, by name of its machine. Default: nothing. */
  readonly inputs?: { readonly [machine: string]: (key: string) => unknown };
}

/** Performs commands, one after the other, and compares what they lead to with the model. */
export class Story {
  /** Every entry of its journal, in order. */
  readonly entries: HistoryEntry[] = [];
  readonly #given: StoryScenario;
  readonly #commands: readonly BoxCommand[];
  readonly #cast: Cast;
  readonly #reference: Reference;
  /** Ids of the jobs that were put. */
  readonly #put: string[] = [];
  #isTelling = true;
  #stage: (NemesisDeps & { readonly nemesis: StrikingNemesis }) | null = null;

  /** @throws SignalboxError `INVALID_OPTION` for a command that the scenario does not know. */
  constructor(scenario: StoryScenario, commands: readonly BoxCommand[]) {
    checkObject(scenario, 'scenario');
    this.#given = scenario;
    this.#commands = commands;
    this.#cast = castOf(scenario);
    for (const command of commands) checkCommand(command, this.#cast);
    this.#reference = new Reference(new Oracle(scenario.machines ?? []));
  }

  /** Whether commands are still to come. */
  get isTelling(): boolean {
    return this.#isTelling;
  }

  /** What differs from the model, one line each. */
  get differences(): readonly string[] {
    return this.#reference.differences;
  }

  /** The scenario in which its commands are done. */
  get scenario(): SimulatedScenario {
    const { inputs: _inputs, check, ...scenario } = this.#given;
    return {
      ...scenario,
      act: (client) => this.#tell(client),
      check: async (box) => {
        await this.#compare(box);
        await check?.(box);
      },
    };
  }

  /** Makes what lets things go wrong when a command asks for it. */
  begin(deps: NemesisDeps): Nemesis {
    const nemesis = new StrikingNemesis(deps, []);
    this.#stage = { ...deps, nemesis };
    return nemesis;
  }

  /** Takes what is synced. */
  follow(entries: readonly HistoryEntry[]): void {
    this.entries.push(...entries);
    for (const entry of entries) this.#reference.follow(entry);
  }

  get #now(): NemesisDeps & { readonly nemesis: StrikingNemesis } {
    if (this.#stage === null) throw new Error('the story has not begun');
    return this.#stage;
  }

  async #tell(client: SimulatedClient): Promise<void> {
    try {
      for (const command of this.#commands) {
        this.#now.world.note(`> ${lineOf(command)}`);
        await this.#perform(command, client);
      }
    } finally {
      this.#isTelling = false;
    }
  }

  /** Compares what programs see with the model when all is over. */
  async #compare(box: Signalbox): Promise<void> {
    const reference = this.#reference;
    for (const id of this.#put) reference.endedJob(id, (await box.job(id).refresh()).status);
    for (const id of reference.actors()) reference.endedActor(id, await box.actorById(id).snapshot());
  }

  async #perform(command: BoxCommand, client: SimulatedClient): Promise<void> {
    const { world, nemesis } = this.#now;
    switch (command.do) {
      case 'put':
        return this.#putJob(command, client);
      case 'send':
      case 'ask':
        return this.#tellActor(command, client);
      case 'advance':
        return world.sleep(durationMs(command.by, 'by'));
      case 'pull':
        return this.#ofJob(command.job, client, (box, id) => this.#pull(box, id));
      case 'cancel':
        return this.#ofJob(command.job, client, (box, id) => this.#cancel(box, id));
      case 'kill':
        return nemesis.arm('kill', command.at);
      case 'power cut':
        return nemesis.arm('lost', command.at);
      case 'lose an answer':
        return nemesis.arm('unanswered', command.at);
      case 'fail the next call':
        return nemesis.arm('throws', null);
    }
  }

  async #putJob(
    { job, args, after }: Extract<BoxCommand, { do: 'put' }>,
    client: SimulatedClient,
  ): Promise<void> {
    const definition = this.#cast.jobs.get(job) as JobDefinition<readonly unknown[]>;
    const begins = after === undefined ? {} : { beginAfter: { after } };
    const id = await client.put(() => definition(...args), begins);
    if (id !== null) this.#put.push(id);
  }

  async #tellActor(
    { do: how, actor, event }: Extract<BoxCommand, { do: 'send' | 'ask' }>,
    client: SimulatedClient,
  ): Promise<void> {
    const reference = this.#reference;
    const { world, cluster } = this.#now;
    const [name, key] = partsOf(actor);
    const machine = this.#cast.machines.get(name) as MachineDefinition;
    if (!reference.hasActor(actor)) await client.start(machine, key, this.#given.inputs?.[name]?.(key));
    const since = reference.markActor(actor);
    if (how === 'send') {
      const receipt = await client.send(machine, key, event as never);
      if (receipt?.taken === false && !receipt.isDuplicate)
        reference.ignored(actor, since, event, world.now());
      return;
    }
    // A question is asked once.
    while (!cluster.isAnyUp) await world.sleep(1000);
    try {
      reference.answered(actor, since, event, await client.ask(machine, key, event as never));
    } catch (error) {
      if (error instanceof EventRefusedError) reference.ignored(actor, since, event, world.now());
      else if (!isExpected(error)) throw error;
    }
  }

  /** What an operator asks for. */
  async #ofJob(
    fromLast: number,
    client: SimulatedClient,
    call: (box: Signalbox, id: string) => Promise<void>,
  ): Promise<void> {
    const { world } = this.#now;
    const id = this.#put.at(-fromLast);
    if (id === undefined) world.note('there is no such job');
    else await client.call((box) => call(box, id));
  }

  async #pull(box: Signalbox, id: string): Promise<void> {
    const reference = this.#reference;
    const since = reference.markJob(id);
    const isPulled = await pulled(box, id);
    reference.pulled(id, since, isPulled);
  }

  async #cancel(box: Signalbox, id: string): Promise<void> {
    const reference = this.#reference;
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
