import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { after } from '../browser.ts';
import { isReadingPast, present } from '../connection.ts';
import { clockText, durationText, instantText, numberText } from '../format.ts';
import { Play } from './play.tsx';
import { Scale } from './scale.tsx';
import { Step } from './step.tsx';
import type { TimeBarProps } from './time-bar-props.ts';
import { Words } from './words.tsx';

/** A history on the scale of its time, with the moment that the page shows. It is moved by pointer and by keys, typed into, and played. */
export function TimeBar(props: TimeBarProps) {
  const { steps, from, isPast, seq, at } = props;
  const isSlow = useSlowly(isReadingPast.value);
  return (
    <div class="time">
      <span class="steps">
        <Step label="First (Home)" d="M2 2h1.6v10H2zM12 2v10L5 7z" step={steps.first} />
        <Step label="Back (←)" d="M10.5 2v10L3.5 7z" step={steps.back} />
      </span>
      <span class="where opt faint">{clockText(from)}</span>
      <Scale {...props} text={textOf(seq, at, isPast, present.value)} />
      {isSlow ? <span class="where past">reading the past…</span> : <Words {...props} />}
      <span class="steps">
        <Step label="Forward (→)" d="M3.5 2v10l7-5z" step={steps.forward} />
        <Step label="Last (End)" d="M2 2v10l7-5zM10.4 2H12v10h-1.6z" step={steps.last} />
        <Play {...props} />
      </span>
      <button
        type="button"
        class="btn small now"
        aria-disabled={steps.now === null}
        onClick={() => steps.now?.()}
      >
        Now <kbd>L</kbd>
      </button>
    </div>
  );
}

/** True after it was true for a while: what comes at once needs no word. */
function useSlowly(is: boolean): boolean {
  const isSlow = useSignal(false);
  useEffect(() => {
    if (!is) {
      isSlow.value = false;
      return undefined;
    }
    return after(200, () => {
      isSlow.value = true;
    });
  }, [is]);
  return is && isSlow.value;
}

function textOf(seq: number, at: number, isPast: boolean, now: number): string {
  const when = isPast ? `, ${durationText(now - at)} ago` : ', now';
  return `seq ${numberText(seq)}, ${instantText(at, now)}${when}`;
}
