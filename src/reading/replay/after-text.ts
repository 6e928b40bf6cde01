const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;

/** Milliseconds after a beginning, as stories have them: `+1h30m`. What lies before it counts as the beginning. */
export function afterText(ms: number): `+${string}` {
  let left = Math.max(0, Math.round(ms));
  let text = '';
  for (const [unit, size] of units) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0) text += `${count}${unit}`;
  }
  return `+${text === '' ? '0s' : text}`;
}
