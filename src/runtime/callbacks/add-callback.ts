import { SignalboxError } from '../../errors.ts';
import type { Change, Precondition } from '../../store/store.ts';
import { ifUnchanged } from '../commits/preconditions.ts';
import { retryConflicts, retryForever } from '../commits/retry.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import { JobDrafts } from '../jobs/job-drafts.ts';
import type { PendingCallback } from '../jobs/job-like.ts';
import type { CallbackRunner } from './callback-runner.ts';

/**
 * Adds a callback to a stored job. On a completed job it runs outside any agent, as soon as its commit is made. It is stored
 * first, so it is never lost.
 */
export async function addCallback(
  runner: Pick<CallbackRunner, 'performLate'>,
  work: UnitOfWork,
  parent: string,
  callback: PendingCallback,
): Promise<void> {
  const { context } = work;
  const drafts = new JobDrafts(work);
  const id = drafts.callback(callback, parent);
  const pending = drafts.checked();
  if (pending !== undefined) await pending;
  drafts.expect.push({ check: 'atMost', of: 'callbacks', id: parent, most: context.limits.callbacks });
  // A conflict may mean that the parent is completed by now, or be about something else: its record tells.
  const isLate = await retryConflicts(5, async () => {
    const late = (await work.read('job', parent))?.state === 'completed';
    const expect: readonly Precondition[] = late ? [] : [{ check: 'notCompleted', id: parent }];
    await work.submit(drafts.changes, [...drafts.expect, ...expect]);
    return late;
  });
  drafts.attach();
  if (!isLate) return;
  const what = (): string => `calling a callback that was added to completed job ${parent}`;
  await work.whenCommitted(() => retryForever(context, what, () => runner.performLate(parent, id)));
}

/** Adds a callback to a proxy: to its chosen job when the choice is made, otherwise to the proxy until it is. */
export async function addToProxy(
  runner: Pick<CallbackRunner, 'performLate'>,
  work: UnitOfWork,
  proxy: string,
  callback: PendingCallback,
): Promise<void> {
  const chosen = await retryConflicts(5, async () => {
    const record = await work.read('proxy', proxy);
    if (record === undefined) throw new SignalboxError('JOB_NOT_FOUND', { id: proxy });
    if (record.chosen !== null) return record.chosen;
    const drafts = new JobDrafts(work);
    drafts.proxyCallback(callback, proxy);
    const pending = drafts.checked();
    if (pending !== undefined) await pending;
    // The proxy's rev grows with it: a choice that has not seen the callback is refused, so no callback is forgotten.
    const touch: Change = {
      kind: 'proxy',
      id: proxy,
      event: 'callback.add',
      from: null,
      to: null,
      patch: null,
    };
    await work.submit([...drafts.changes, touch], [...drafts.expect, ifUnchanged(record, 'proxy')]);
    drafts.attach();
    return null;
  });
  if (chosen !== null) await addCallback(runner, work, chosen, callback);
}
