import { type OpenStore, recordKinds } from 'signalbox';
import { comparePlaces } from '../../src/store/rules/by-place.ts';

/** The reads of a store, of one that is open or of a past. */
export type Reads = Pick<
  OpenStore,
  | 'get'
  | 'list'
  | 'waiting'
  | 'waitingCount'
  | 'lanes'
  | 'place'
  | 'find'
  | 'held'
  | 'heldCount'
  | 'completed'
  | 'callbacks'
  | 'branches'
  | 'waiters'
  | 'quotaHolders'
  | 'quarantined'
  | 'orphans'
  | 'annotations'
  | 'annotated'
  | 'due'
  | 'counts'
  | 'jobsPage'
  | 'referred'
  | 'dueActors'
  | 'mailed'
  | 'mail'
  | 'mailCount'
  | 'actorsPage'
  | 'actorCounts'
  | 'deadLetters'
>;

const ids = (records: readonly { readonly id: string }[]): string[] => records.map(({ id }) => id);

/**
 * All that a store answers: each record, and each index in its order. `isAtWork`: it never closed, so that it remembers which of
 * the holders of a quota, put back and claimed again, was the first; all others know only the present places.
 */
export async function pictureOf(
  reader: Reads,
  isAtWork = false,
): Promise<{ readonly [question: string]: unknown }> {
  const picture: Record<string, unknown> = {};
  for (const kind of recordKinds) picture[kind] = await reader.list(kind, '');
  const jobs = ids(await reader.list('job', ''));
  for (const queue of ['', 'side']) {
    picture[`waiting ${queue}`] = ids(await reader.waiting(queue));
    picture[`waiting count ${queue}`] = [
      await reader.waitingCount(queue),
      await reader.waitingCount(queue, 'mail'),
    ];
    const lanes = await reader.lanes(queue);
    picture[`lanes ${queue}`] = lanes.map((lane) => JSON.stringify(lane)).sort();
    picture[`places ${queue}`] = await placesIn(reader, queue);
    for (const agent of ['first', 'second', null])
      picture[`held ${queue} ${agent}`] = ids(await reader.held(queue, 'd', agent));
    for (const agent of ['first', 'second'])
      picture[`agent ${queue} ${agent}`] = [
        await reader.heldCount(queue, 'd', agent),
        ids(await reader.completed(queue, 'd', agent)),
      ];
  }
  picture.find = ids(await reader.find('', 20));
  for (const id of jobs) {
    const callbacks = (await reader.callbacks(id)).map(({ kind, record }) => `${kind} ${record.id}`);
    // In no order: each of them is woken.
    const waiters = ids(await reader.waiters([id])).sort();
    const found = [callbacks, waiters, ids(await reader.annotations(id))];
    if (found.some(({ length }) => length > 0)) picture[`job ${id}`] = found;
  }
  for (const { id } of await reader.list('proxy', ''))
    picture[`proxy ${id}`] = ids(await reader.branches(id));
  for (const name of ['tokens', 'smtp']) {
    const holders = await reader.quotaHolders(`/${name}`);
    const records = await Promise.all(holders.map((id) => reader.get('job', id)));
    const inOrder = records.flatMap((record) => record ?? []).sort(comparePlaces);
    picture[`quota ${name}`] = isAtWork ? ids(inOrder) : holders;
  }
  picture.counts = await reader.counts();
  for (const list of ['all', 'waiting', 'held', 'failed', 'ended', 'unplaced', 'quarantined'] as const)
    picture[`list ${list}`] = ids((await reader.jobsPage({ list, limit: 200 })).jobs);
  picture.referred = [...(await reader.referred(jobs))].sort();
  picture.annotated = [...(await reader.annotated(jobs))].sort();
  picture.quarantined = ids(await reader.quarantined());
  // In no order: it is asked in order to do something about each.
  picture.orphans = ids(await reader.orphans()).sort();
  Object.assign(picture, await pictureOfActors(reader));
  picture.due = [await reader.due(0), await reader.due(10)];
  return picture;
}

async function pictureOfActors(reader: Reads): Promise<Record<string, unknown>> {
  const machines = ['order', 'parcel'];
  const picture: Record<string, unknown> = {
    'due actors': [await reader.dueActors(machines, 5, 100), await reader.dueActors(machines, 50, 100)],
    mailed: [await reader.mailed(machines, '', 100), await reader.mailed(['order'], 'order/1', 1)],
    'actor counts': await reader.actorCounts(),
    'dead letters': ids(await reader.deadLetters(100)),
  };
  for (const status of ['active', 'suspended', 'done'] as const) {
    const { actors, next } = await reader.actorsPage({ status: [status], limit: 2 });
    picture[`actors ${status}`] = [ids(actors), next];
  }
  for (const actor of new Set((await reader.list('message', '')).map((message) => message.actor)))
    picture[`mail ${actor}`] = [await reader.mailCount(actor), ids(await reader.mail(actor, 100))];
  return picture;
}

/** The places of waiting jobs: as many come before each as the walk of a claim meets. */
async function placesIn(reader: Reads, queue: string): Promise<readonly number[]> {
  const places: number[] = [];
  for (const [index, { id }] of (await reader.waiting(queue)).entries()) {
    const place = await reader.place(id);
    if (place?.n !== index || place.is !== 'exact')
      throw new Error(`Expected ${id} at place ${index}, got ${JSON.stringify(place)}.`);
    places.push(place.n);
  }
  return places;
}
