import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { every } from '../browser.ts';
import { isReadingPast } from '../connection.ts';
import { frameMs, type Speed, speedAfter } from './pace.ts';
import { Step } from './step.tsx';
import type { TimeBarProps } from './time-bar-props.ts';

const start = 'M2.5 1.5l10 5.5-10 5.5z';
const pause = 'M3 2h3v10H3zM8 2h3v10H8z';

/** Lets the past go by, as fast as it was or faster. Idle time is left out. */
export function Play(props: TimeBarProps) {
  const isOn = useSignal(false);
  const speed = useSignal<Speed>(1);
  const latest = useRef(props);
  latest.current = props;
  const { isPast } = props;
  useEffect(() => {
    if (!isPast) isOn.value = false;
    if (!isOn.value) return undefined;
    return every(frameMs, () => {
      // A moment that is still being read is waited for.
      if (isReadingPast.peek()) return;
      const { seq, next, goTo } = latest.current;
      goTo(next(seq, frameMs * speed.peek()));
    });
  }, [isOn.value, isPast]);
  return (
    <>
      <Step
        label={isOn.value ? 'Pause' : isPast ? 'Play' : 'Play: go to an earlier moment first'}
        d={isOn.value ? pause : start}
        step={
          isPast
            ? () => {
                isOn.value = !isOn.value;
              }
            : null
        }
      />
      {isPast && (
        <button
          type="button"
          class="icon speed"
          aria-label={`Speed ${speed.value} ×`}
          title="Speed"
          onClick={() => {
            speed.value = speedAfter(speed.value);
          }}
        >
          {speed.value}×
        </button>
      )}
    </>
  );
}
