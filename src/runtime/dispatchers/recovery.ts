import { BadStatusError } from '../../errors.ts';
import type { JobRecord, RepresentationRecord } from '../../model/records/records.ts';
import { logRecovered } from './recovery-log.ts';
import type { RegistrationDeps } from './registration.ts';

/** Hands over the jobs of processes that are known to be dead, before the first poll. A sibling waits for the death of others. */
export async function recover({ work, representations, orphans }: RegistrationDeps): Promise<void> {
  const { context } = work;
  const { store } = context;
  const records: RepresentationRecord[] = [];
  for (const queue of await store.list('queue', ''))
    records.push(...(await store.list('representation', `${queue.id}/`)));
  // Read after them: a dispatcher that is activated later has an opening by then.
  const { alive } = await store.openings();
  const recovered: JobRecord[] = [];
  for (const record of records) {
    if (record.state !== 'activated' || alive.has(record.epoch)) continue;
    try {
      recovered.push(...(await representations.release(record.id)));
    } catch (error) {
      // Another process has done it.
      if (!(error instanceof BadStatusError)) throw error;
    }
  }
  // Where others may be alive, the first poll has one of them look.
  if (store.exclusive) recovered.push(...(await orphans.rescueAll()));
  logRecovered(context, recovered);
}
