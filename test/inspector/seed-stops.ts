import { definitions, type Seeded } from './seed.ts';

/** Ids of jobs that were stopped, or put off. */
export interface Stopped {
  readonly cancelling: string;
  readonly cancelled: string;
  readonly timingOut: string;
  readonly putOff: string;
}

/** What comes after the story of `seed`, for pictures: a person stops an import, limits pass, code puts itself off. */
export async function seedStops({ box, reactor }: Seeded): Promise<Stopped> {
  const queue = box.queue('default');
  const { feed, wait } = definitions;
  const ids = [
    await queue.put(feed('vendor-7')),
    await queue.put(feed('vendor-8')),
    await queue.put(feed('vendor-9'), { timeout: '20s', deadline: '1h' }),
    await queue.put(wait(), { priority: -3, deadline: '1d' }),
  ].map(({ id }) => id ?? '');
  const [cancelling = '', cancelled = '', timingOut = '', putOff = ''] = ids;
  await reactor.advance('6s');
  await box.operate({ user: 'mira', reason: 'the vendor sent it twice' }).cancel(cancelled);
  await reactor.advance('15s');
  const ada = box.operate({ user: 'ada', reason: 'wrong month' });
  await ada.cancel(cancelling);
  await ada.pause('media', { job: 'video.*', until: { after: '2h' } });
  await ada.pause('media');
  await ada.pauseAgent('media', box.uuid, 'main');
  await reactor.advance('3s');
  return { cancelling, cancelled, timingOut, putOff };
}
