import type { DurableStatus } from '../../../protocol/durable.ts';
import { Glyph } from '../../parts/glyph.tsx';

const glyphs: Readonly<Record<DurableStatus, string>> = {
  active: 'running',
  suspended: 'paused',
  done: 'succeeded',
  failed: 'failed',
  stopped: 'cancelled',
};

/** How a durable actor is: sign and word. */
export function Life(props: { readonly status: DurableStatus; readonly isPill?: boolean }) {
  const glyph = glyphs[props.status];
  return (
    <span class={`st st-${glyph}${props.isPill === true ? ' pill' : ''}`}>
      <Glyph name={glyph} />
      {props.status}
    </span>
  );
}

/** Where the machine of an actor is: the paths of its leaf states. */
export function stateText(state: string): string {
  return state === '' ? '–' : state.split('|').join(' + ');
}
