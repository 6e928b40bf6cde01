import type { ActorStatus, ActorTimer } from '../../../../machines/actor.machine.ts';
import type { ActorRecord } from '../../../model/records/records.ts';
import { eventWords } from '../../../reading/actors/event-words.ts';
import { typeOf } from '../../../reading/actors/explain-actor.ts';
import { ShownActor } from '../../../reading/actors/shown-actor.ts';
import type { ActorCount, StoreReader } from '../../../store/reader.ts';
import type { DurableMachine, DurableRow, DurableStatus, DurableView } from '../../protocol/durable.ts';
import { failureWords } from '../values/failure-view.ts';

/** Which actors are listed. */
export interface DurableAsked {
  readonly machine?: string;
  readonly status?: DurableStatus;
  readonly state?: string;
  readonly after?: string;
  readonly limit: number;
}

/** What a durable actor can be. */
export const durableStatuses: readonly DurableStatus[] = ['active', 'suspended', 'done', 'failed', 'stopped'];

/** How many actors there are of each machine, and a page of those that are asked for. */
export async function durableView(reader: StoreReader, asked: DurableAsked): Promise<DurableView> {
  const { status, ...others } = asked;
  const page = await reader.actorsPage({ ...others, ...(status === undefined ? {} : { status: [status] }) });
  const rules = (await reader.get('store', 'store'))?.redactions ?? {};
  return {
    machines: machinesOf(await reader.actorCounts()),
    rows: page.actors.map((actor) => rowOf(actor, new ShownActor(rules, actor))),
    next: page.next,
  };
}

function machinesOf(all: readonly ActorCount[]): readonly DurableMachine[] {
  const byMachine = new Map<string, ActorCount[]>();
  for (const count of all) byMachine.set(count.machine, [...(byMachine.get(count.machine) ?? []), count]);
  return [...byMachine].map(([machine, counts]) => ({
    machine,
    n: counts.reduce((sum, { n }) => sum + n, 0),
    counts: counts
      .map(({ status, state, n }) => ({ status: asShown(status), state, n }))
      .sort((one, other) => rank(one.status) - rank(other.status)),
  }));
}

/** What needs a person comes first. */
function rank(status: DurableStatus): number {
  return ['suspended', 'failed', 'active', 'done', 'stopped'].indexOf(status);
}

/** No record of an actor that was never started is listed. */
export function asShown(status: ActorStatus): DurableStatus {
  return status === 'absent' ? 'stopped' : status;
}

function rowOf(actor: ActorRecord, shown: ShownActor): DurableRow {
  const { id, machine, version, status, state, timers, children, startedAt, finishedAt } = actor;
  return {
    ...{ id, machine, version, status: asShown(status), state, startedAt, finishedAt },
    timer: timers === null ? null : firstOf(timers),
    children: Object.keys(children ?? {}).length,
    why: shown.failure === null ? null : failureWords(shown.failure),
  };
}

function firstOf(timers: { readonly [id: string]: ActorTimer }): DurableRow['timer'] {
  let first: readonly [id: string, timer: ActorTimer] | null = null;
  for (const each of Object.entries(timers)) if (first === null || each[1][0] < first[1][0]) first = each;
  if (first === null) return null;
  const [id, [dueAt, , event]] = first;
  return { dueAt, words: eventWords(typeOf(event) ?? id) };
}
