/** One thing of a list, or several that were folded because they repeat. */
export type Folded<Item> =
  | { readonly is: 'one'; readonly item: Item }
  | { readonly is: 'repeats'; readonly items: readonly Item[]; readonly times: number };

/** The longest cycle that is looked for, and how often it must be there. */
const [longestCycle, fewestTimes] = [6, 4];

/**
 * Folds what repeats: of a cycle that is there four times or more in a row, the first and the last one stay. So 240 times the same
 * three entries become seven lines. Pure.
 */
export function foldRepeats<Item>(
  items: readonly Item[],
  signOf: (item: Item) => string,
): readonly Folded<Item>[] {
  const signs = items.map(signOf);
  const folded: Folded<Item>[] = [];
  const keep = (from: number, to: number): void => {
    for (const item of items.slice(from, to)) folded.push({ is: 'one', item });
  };
  for (let at = 0; at < items.length; ) {
    const { length, times } = longestRepeat(signs, at);
    if (times < fewestTimes) {
      keep(at, at + 1);
      at += 1;
      continue;
    }
    const end = at + length * times;
    keep(at, at + length);
    folded.push({ is: 'repeats', items: items.slice(at + length, end - length), times: times - 2 });
    keep(end - length, end);
    at = end;
  }
  return folded;
}

/** The cycle that covers most from a place on; of two that cover as much the shorter one. */
function longestRepeat(
  signs: readonly string[],
  at: number,
): { readonly length: number; readonly times: number } {
  let best = { length: 1, times: 1 };
  for (let length = 1; length <= longestCycle; length += 1) {
    let end = at + length;
    while (end < signs.length && signs[end] === signs[end - length]) end += 1;
    const times = Math.floor((end - at) / length);
    if (times >= fewestTimes && times * length > best.times * best.length) best = { length, times };
  }
  return best;
}
