import type { EndingName } from '../../protocol/explanation.ts';
import { lookOf } from '../state.ts';

/** A drawn sign. Never alone: a word stands beside it. */
export function Glyph({ name }: { readonly name: string }) {
  return (
    <svg class="g" aria-hidden="true">
      <use href={`#g-${name}`} />
    </svg>
  );
}

/** A state: sign and word. */
export function State(props: {
  readonly state: string;
  readonly ending: EndingName | null;
  readonly isPill?: boolean;
  /** Instead of its own word. */
  readonly word?: string;
}) {
  const { glyph, word } = lookOf(props.state, props.ending);
  return (
    <span class={`st st-${glyph}${props.isPill === true ? ' pill' : ''}`}>
      <Glyph name={glyph} />
      {props.word ?? word}
    </span>
  );
}
