import type { ActorStatus } from '../../../../machines/actor.machine.ts';
import { invalidOption } from '../../../errors.ts';
import { checkCount, checkKnown } from '../../../model/checks/check-options.ts';
import type { DurableLogic } from '../../../model/durable/machine.ts';
import type { UnitOfWork } from '../../commits/unit-of-work.ts';
import type { MachineLike } from '../../definitions/machines.ts';
import { DurableActor } from './durable-actor.ts';

/** Which actors `box.actors` lists. */
export interface ActorsFilter {
  /** Default: all. */
  readonly status?: Exclude<ActorStatus, 'absent'> | readonly Exclude<ActorStatus, 'absent'>[];
  /** In this state, or in one below it: `shipping`, `shipping.parcel.packed`; `a|b`: in both. */
  readonly state?: string;
  /** `next` of the page before. */
  readonly after?: string;
  /** 1 to 200. Default 50. */
  readonly limit?: number;
}

/** A page of actors. */
export interface ListedActors<L extends DurableLogic> {
  /** Each with its status and its state when the page was read. */
  readonly actors: readonly {
    readonly actor: DurableActor<L>;
    readonly status: ActorStatus;
    readonly state: string;
  }[];
  /** `after` of the next page; null: the list ends here. */
  readonly next: string | null;
}

const statuses = ['active', 'suspended', 'done', 'failed', 'stopped'];

/** A page of the actors of a machine, in order of id. @throws SignalboxError `INVALID_OPTION`. */
export async function listActors<L extends DurableLogic>(
  work: UnitOfWork,
  machine: MachineLike,
  filter: ActorsFilter,
): Promise<ListedActors<L>> {
  checkKnown(filter, ['status', 'state', 'after', 'limit']);
  const { status, state, after, limit = 50 } = filter;
  checkCount(limit, 'limit', 1);
  if (limit > 200) throw invalidOption('limit', 'at most 200', limit);
  const wanted = status === undefined ? undefined : [status].flat();
  if (wanted?.some((each) => !statuses.includes(each)))
    throw invalidOption('status', `one or more of ${statuses.join(', ')}`, status);
  const { store } = work.context;
  const page = await store.actorsPage({
    machine: machine.name,
    ...(wanted === undefined ? {} : { status: wanted }),
    ...(state === undefined ? {} : { state }),
    ...(after === undefined ? {} : { after }),
    limit,
  });
  await store.settled();
  const actors = page.actors.map((record) => ({
    actor: new DurableActor<L>(work, record.id, machine),
    status: record.status,
    state: record.state,
  }));
  return { actors, next: page.next };
}
