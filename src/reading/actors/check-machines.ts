import { defaultLimits } from '../../model/checks/limits.ts';
import { type PreparedMachine, StepError } from '../../model/durable/machine.ts';
import { versionVerdict } from '../../model/durable/migrate.ts';
import type { ActorRecord } from '../../model/records/records.ts';
import type { StoreReader } from '../../store/reader.ts';

/** What `checkMachines` needs of what `defineMachine` returns. */
export interface CheckedMachine {
  readonly name: string;
  readonly prepared: PreparedMachine;
}

/** What a new release does with actors that are alive. */
export type ActorFate = 'goes on' | 'pinned' | 'migrates' | 'stranded' | 'unknown machine';

/** Actors of one machine, version and state, for which the new release does the same. */
export interface CheckedActors {
  readonly machine: string;
  readonly version: string;
  readonly state: string;
  readonly fate: ActorFate;
  readonly n: number;
  /** Why they are stranded; null: they are not. */
  readonly why: string | null;
  /** Id of one of them. */
  readonly example: string;
}

/**
 * What a new release would do with the actors of a store that are alive: a dry run, for a test before a deploy. Records are migrated in
 * memory only; nothing is written. Actors of machines that are not given are `unknown machine`: another process may have them.
 *
 * @example
 * ```ts
 * import { checkMachines, createSignalbox, defineMachine, memoryStore } from 'signalbox';
 * import { setup } from 'xstate';
 *
 * const door = (version: string, state: string) =>
 *   defineMachine(setup({}).createMachine({ id: 'door', version, initial: state, states: { [state]: {} } }));
 * const box = await createSignalbox({ store: memoryStore(), machines: [door('1', 'shut')] });
 * await box.actor(door('1', 'shut'), 'front').start();
 * const [found] = await checkMachines(box.store, [door('2', 'closed')]);
 * console.log(found?.fate, found?.why); // => stranded version 1
 * await box.stop();
 * ```
 */
export async function checkMachines(
  reader: StoreReader,
  machines: readonly CheckedMachine[],
): Promise<readonly CheckedActors[]> {
  const known = new Map<string, PreparedMachine>();
  for (const { prepared } of machines) addAll(known, prepared);
  const found = new Map<string, CheckedActors>();
  for (let after: string | undefined, isOver = false; !isOver; ) {
    const { actors, next } = await reader.actorsPage({
      status: ['active', 'suspended'],
      limit: 200,
      ...(after === undefined ? {} : { after }),
    });
    for (const actor of actors) count(found, actor, fateOf(known.get(actor.machine), actor, reader.now()));
    after = next ?? undefined;
    isOver = next === null;
  }
  return [...found.values()];
}

function addAll(known: Map<string, PreparedMachine>, machine: PreparedMachine): void {
  known.set(machine.name, machine);
  for (const child of machine.children) if (!known.has(child.name)) addAll(known, child);
}

interface Fate {
  readonly fate: ActorFate;
  readonly why: string | null;
}

function fateOf(machine: PreparedMachine | undefined, actor: ActorRecord, now: number): Fate {
  if (machine === undefined) return { fate: 'unknown machine', why: null };
  try {
    const at = {
      id: actor.id,
      now,
      refer: () => null,
      resolve: (id: string) => ({ id }),
      limits: defaultLimits,
    };
    const verdict = versionVerdict(machine, actor, at);
    if (verdict.is === 'unknown') return { fate: 'stranded', why: verdict.problems.join(', ') };
    if (verdict.is === 'pinned') return { fate: 'pinned', why: null };
    return { fate: verdict.is === 'migrates' ? 'migrates' : 'goes on', why: null };
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    return { fate: 'stranded', why: error.failure.message };
  }
}

function count(found: Map<string, CheckedActors>, actor: ActorRecord, { fate, why }: Fate): void {
  const { id, machine, version, state } = actor;
  const key = JSON.stringify([machine, version, state, fate, why]);
  const n = (found.get(key)?.n ?? 0) + 1;
  found.set(key, { machine, version, state, fate, n, why, example: found.get(key)?.example ?? id });
}
