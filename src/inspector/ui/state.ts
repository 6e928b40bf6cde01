import type { EndingName } from '../protocol/explanation.ts';

/** A state as it is shown: its glyph, which is also its class, and its word. */
export interface StateLook {
  readonly glyph: string;
  readonly word: string;
}

const glyphs: Readonly<Record<string, string>> = {
  new: 'new',
  pending: 'pending',
  assigned: 'assigned',
  'active.running': 'running',
  'active.waiting': 'waiting',
  'active.timingOut': 'timing-out',
  'active.cancelling': 'cancelling',
  callbacks: 'callbacks',
  completed: 'succeeded',
};

const endings: readonly EndingName[] = ['succeeded', 'failed', 'aborted', 'expired', 'cancelled'];

/** The look of a leaf state, and of how it ended once it has. The names of states that no chart has are shown as they are. */
export function lookOf(state: string, ending: EndingName | null): StateLook {
  if (state === 'completed' && ending !== null && endings.includes(ending))
    return { glyph: ending, word: ending };
  const glyph = glyphs[state];
  if (glyph === undefined) return { glyph: 'unknown', word: state };
  return { glyph, word: state === 'completed' ? 'completed' : glyph.replace('-', ' ') };
}

/** Whether that is an end that a person must read. */
export function isBad(ending: EndingName | null): boolean {
  return ending !== null && ending !== 'succeeded' && ending !== 'cancelled';
}
