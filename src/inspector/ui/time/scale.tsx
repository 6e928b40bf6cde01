import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { after } from '../browser.ts';
import { frameMs } from './pace.ts';
import type { TimeBarProps } from './time-bar-props.ts';

/** The scale itself: a slider over time. */
export function Scale(props: TimeBarProps & { readonly text: string }) {
  const { from, to, at, steps } = props;
  const length = Math.max(1, to - from);
  const dragged = useSignal<number | null>(null);
  const pending = useRef<(() => void) | null>(null);
  const shown = dragged.value ?? at;
  const share = Math.min(1, Math.max(0, (shown - from) / length));
  const instantAt = (clientX: number, scale: Element): number => {
    const { left, width } = scale.getBoundingClientRect();
    return from + Math.min(1, Math.max(0, (clientX - left) / Math.max(1, width))) * length;
  };
  // While it is dragged the page follows a few times a second; the cursor follows at once.
  const follow = (instant: number): void => {
    dragged.value = instant;
    pending.current ??= after(frameMs / 2, () => {
      pending.current = null;
      if (dragged.value !== null) props.goTo(props.seqAt(dragged.value));
    });
  };
  const drop = (): void => {
    pending.current?.();
    pending.current = null;
    if (dragged.value !== null) props.goTo(props.seqAt(dragged.value));
    dragged.value = null;
  };
  return (
    <div
      class="scale"
      role="slider"
      tabIndex={0}
      aria-label={props.label}
      aria-valuemin={0}
      aria-valuemax={1000}
      aria-valuenow={Math.round(share * 1000)}
      aria-valuetext={props.text}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        dragged.value = instantAt(event.clientX, event.currentTarget);
      }}
      onPointerMove={(event) => {
        if (dragged.value !== null) follow(instantAt(event.clientX, event.currentTarget));
      }}
      onPointerUp={drop}
      onPointerCancel={drop}
      onKeyDown={(event) => {
        const step = { ArrowLeft: steps.back, ArrowRight: steps.forward, Home: steps.first, End: steps.last }[
          event.key
        ];
        if (step === undefined || event.shiftKey) return;
        // These belong to a slider, also where single keys are off.
        event.preventDefault();
        event.stopPropagation();
        step?.();
      }}
    >
      <svg aria-hidden="true">
        {props.children(shown)}
        <svg x={`${(share * 100).toFixed(3)}%`} class="cursor" aria-hidden="true">
          <path class="tb-cur" d="M0 0V24" />
          <path class="tb-cur-h" d="M-4 0h8v3l-4 4-4-4z" />
        </svg>
      </svg>
    </div>
  );
}
