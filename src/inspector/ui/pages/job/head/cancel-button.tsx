import type { JobView } from '../../../../protocol/job.ts';
import { shortId } from '../../../format.ts';
import { type Act, ActButton } from '../../../parts/act.tsx';

/** Cancels a job, where its chart lets it be cancelled. */
export function CancelButton({
  view,
  isSmall = false,
}: {
  readonly view: JobView;
  readonly isSmall?: boolean;
}) {
  const isOpen = view.next.some(({ event, isOpen: canBe }) => event === 'job.cancel' && canBe);
  return isOpen ? <ActButton act={actOf(view)} label="Cancel…" isSmall={isSmall} /> : null;
}

function actOf({ id, name, state, callbacks }: JobView): Act {
  const runs = state === 'active.running' || state === 'active.timingOut';
  const waits = state === 'active.waiting';
  const does = [
    runs
      ? 'Its code is asked to stop. It ends when the code does, or when its grace is over.'
      : 'It ends at once, and is not called again.',
    ...(waits ? ['What only it waits for is cancelled, too.'] : []),
    ...(callbacks.nodes.length > 0 ? ['Its callbacks are called, with a CancelledError.'] : []),
    'It cannot be taken back.',
  ];
  const question = `Cancel ${name} ${shortId(id)}?`;
  return { action: 'cancel', target: id, question, does, verb: 'Cancel the job', isFinal: true };
}
