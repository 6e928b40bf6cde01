import type { JobView } from '../../../../protocol/job.ts';
import { shortId } from '../../../format.ts';
import { type Act, ActButton } from '../../../parts/act.tsx';

/** Tries an ended job again, as a new one. A callback is tried again with its parent alone. */
export function RetryButton({ view }: { readonly view: JobView }) {
  if (view.state !== 'completed' || view.parent !== null || view.name.startsWith('signalbox.')) return null;
  return <ActButton act={actOf(view)} label="Retry…" />;
}

function actOf({ id, name, origin }: JobView): Act {
  return {
    ...{ action: 'retry', target: id, verb: 'Put it again' },
    question: `Try ${name} ${shortId(id)} again?`,
    does: [
      'A new job is put with its definition, its arguments and its settings. This one stays as it is.',
      'Its callbacks are not called for the new one.',
      ...(origin.retriedAs === null ? [] : [`It was tried again before, as ${shortId(origin.retriedAs)}.`]),
    ],
  };
}
