import type { BlockerView } from '../../../protocol/queues.ts';
import { now } from '../../connection.ts';
import { durationText } from '../../format.ts';
import { Glyph } from '../../parts/glyph.tsx';

/** What holds a waiting job up: a sign and a few words. */
export function Blocker({ blocker }: { readonly blocker: BlockerView }) {
  const [glyph, look] = lookOf(blocker);
  const { until, text } = blocker;
  return (
    <span class={`st ${look}`}>
      <Glyph name={glyph} />
      {until === null ? text : `held ${durationText(until - now.value)} more`}
    </span>
  );
}

/** Red is what a person must mend; what passes by itself is not. */
function lookOf({ code, holds }: BlockerView): readonly [glyph: string, look: string] {
  if (code === 'offered') return ['succeeded', 'is'];
  if (code === 'due') return ['new', 'quiet'];
  if (holds === null) return ['unknown', 'past'];
  return code === 'room' || code === 'paused' ? ['paused', 'past'] : ['failed', 'fails'];
}
