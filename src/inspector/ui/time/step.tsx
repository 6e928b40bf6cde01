/** A button that steps; `step` null: there is none further. */
export function Step(props: {
  readonly label: string;
  readonly d: string;
  readonly step: (() => void) | null;
}) {
  return (
    <button
      type="button"
      class="icon"
      aria-label={props.label}
      title={props.label}
      aria-disabled={props.step === null}
      onClick={() => props.step?.()}
    >
      <svg viewBox="0 0 14 14" aria-hidden="true">
        <path fill="currentColor" d={props.d} />
      </svg>
    </button>
  );
}
