import { definitions, type Seeded } from './seed.ts';

/** Schedules beside the story of `seed`, for pictures: one at work, one that skips, one that is paused, one that is over. */
export async function seedSchedules({ box, reactor }: Seeded): Promise<void> {
  const { index, feed, send, ship } = definitions;
  const { schedules } = box.queue('default');
  await schedules.set('prices', { every: '15s', jitter: '0ms' }, index('sku-prices'));
  await schedules.set('import', { every: '20s', jitter: '0ms' }, feed('vendor-1'));
  await schedules.set('nightly', { cron: '30 2 * * *', tz: 'Europe/Berlin' }, ship('A-20800'));
  await schedules.set('once', { every: '10s', jitter: '0ms', maxRuns: 2 }, index('sku-7'));
  const mail = box.queue('mail').schedules;
  await mail.set('newsletter', { cron: '0 9 * * MON', tz: 'America/New_York' }, send('list@example.org'));
  await mail.pause('newsletter', { reason: 'no issue in December' });
  await reactor.advance('95s');
}

/** Ids of jobs that say where they come from. */
export interface Origins {
  readonly tagged: string;
  readonly retried: string;
}

/** A job with tags and a unique name, and one that is tried again. */
export async function seedOrigins({ box, reactor, ids }: Seeded): Promise<Origins> {
  const tagged = await box.queue('default').put(definitions.index('sku-40'), {
    tags: ['catalogue', 'tenant-7'],
    unique: { key: (sku: string) => sku },
  });
  const retried = await box.job(ids.failed).retry();
  await reactor.advance('1s');
  return { tagged: tagged.id ?? '', retried: retried.id ?? '' };
}
