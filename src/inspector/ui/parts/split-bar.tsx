/** A part of a bar: what it was, and for how long. */
export interface BarPart {
  readonly is: 'held' | 'waiting' | 'running' | 'callbacks';
  readonly ms: number;
}

const classes = { held: 's-held', waiting: 's-wait', running: 's-run', callbacks: 's-back' } as const;

/** Where the time went, on the scale of its column. Widths are in percent: hatches keep their angle. */
export function SplitBar(props: {
  readonly parts: readonly BarPart[];
  /** The length of the whole column. */
  readonly scaleMs: number;
  readonly end: 'bad' | 'good' | null;
}) {
  const { parts, end } = props;
  const scale = Math.max(1, props.scaleMs);
  let from = 0;
  const placed = parts.map((part) => {
    const start = from;
    from += part.ms;
    return { part, x: (start / scale) * 100, width: (part.ms / scale) * 100 };
  });
  return (
    <svg class="split" aria-hidden="true">
      <path class="axis" d="M0 11.5H2000" />
      {placed.map(({ part, x, width }, index) => (
        <rect key={index} class={classes[part.is]} x={`${x}%`} y="2" width={`${width}%`} height="8" />
      ))}
      {end !== null && (
        <rect
          class={end === 'bad' ? 's-stop' : 's-fine'}
          x={`${Math.min(99.6, (from / scale) * 100)}%`}
          y="0"
          width="2"
          height="12"
        />
      )}
    </svg>
  );
}

/** What the fillings mean. */
export function SplitLegend({ withCallbacks = false }: { readonly withCallbacks?: boolean }) {
  const words = [
    ['s-held', 'held until due'],
    ['s-wait', 'waiting'],
    ['s-run', 'running'],
    ...(withCallbacks ? [['s-back', 'callbacks'] as const] : []),
  ] as const;
  return (
    <span class="end legend">
      {words.map(([name, word]) => (
        <span key={name}>
          <svg viewBox="0 0 14 8" aria-hidden="true">
            <rect class={name} width="14" height="8" />
          </svg>
          {word}
        </span>
      ))}
    </span>
  );
}
