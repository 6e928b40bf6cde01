import { SignalboxError } from '../../errors.ts';
import type { Change, Precondition } from '../store.ts';
import type { Tables } from './tables.ts';

/** The precondition that a limit is not exceeded. */
export type AtMost = Extract<Precondition, { check: 'atMost' }>;

/**
 * Refuses a commit that would exceed a limit. `elsewhere`: how many there are besides those in the tables.
 * @throws SignalboxError `QUEUE_FULL`, `TOO_MANY`, `MAILBOX_FULL`.
 */
export function mustHaveRoom(
  tables: Tables,
  changes: readonly Change[],
  precondition: AtMost,
  elsewhere = 0,
): void {
  const { of, id, most } = precondition;
  const there = elsewhere + countIn(tables, precondition);
  if (of === 'waiting') {
    const waiting = there + count(changes, (change) => isPutIn(change, id));
    if (waiting > most) throw new SignalboxError('QUEUE_FULL', { queue: id, limit: most, actual: waiting });
    return;
  }
  if (of === 'mail') {
    const waiting = there + count(changes, (change) => isNewMail(tables, change, id));
    if (waiting > most) throw new SignalboxError('MAILBOX_FULL', { id, limit: most, actual: waiting });
    return;
  }
  const isNew = of === 'annotations' ? isNewAnnotation : isNewCallback;
  const actual = there + count(changes, (change) => isNew(tables, change, id));
  if (actual > most) throw new SignalboxError('TOO_MANY', { what: of, id, limit: most, actual });
}

/** Counts what is in these tables. */
export function countIn(tables: Tables, { of, id }: AtMost): number {
  if (of === 'waiting') return tables.jobs.queues.waitingCount(id);
  if (of === 'mail') return tables.mail.count(id);
  return of === 'annotations' ? tables.annotationCount(id) : tables.callbacks.of(id).length;
}

function count(changes: readonly Change[], isMeant: (change: Change) => boolean): number {
  const found = new Set<string>();
  for (const change of changes) if (isMeant(change)) found.add(change.id);
  return found.size;
}

function isPutIn({ kind, to, patch }: Change, queue: string): boolean {
  const parent = patch?.parent as { readonly queue?: string } | undefined;
  return kind === 'job' && to === 'pending' && parent?.queue === queue;
}

function isNewMail(tables: Tables, { kind, id, to, patch }: Change, actor: string): boolean {
  if (kind !== 'message' || to !== 'waiting') return false;
  const known = tables.get('message', id);
  return known?.state !== 'waiting' && (known?.actor ?? patch?.actor) === actor;
}

function isNewAnnotation(tables: Tables, { kind, id }: Change, job: string): boolean {
  return kind === 'annotation' && id.startsWith(`${job}/`) && tables.get('annotation', id) === undefined;
}

function isNewCallback(_tables: Tables, { kind, event, patch }: Change, job: string): boolean {
  const parent = patch?.parent as { readonly job?: string } | undefined;
  return (kind === 'job' || kind === 'proxy') && event === 'callback.add' && parent?.job === job;
}
