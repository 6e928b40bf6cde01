import { useEffect, useState } from 'preact/hooks';
import { onScroll, placeInWindow } from '../../browser.ts';
import type { Range } from './blocks.ts';

/** Rows around those that can be seen, so that scrolling has something to show at once. */
const around = 20;
/** The range moves in steps: not each line that is scrolled draws the table anew. */
const step = 10;
const usualHeight = 24;

/** Which rows of a table can be seen, and how high one is. Rows are all of one height. */
export interface Visible extends Range {
  readonly rowHeight: number;
}

/** Follows what can be seen of the rows of a table while the page is scrolled. */
export function useVisible(table: string, row: string): Visible {
  const [visible, setVisible] = useState<Visible>({ from: 0, to: 4 * around, rowHeight: usualHeight });
  const look = (): void => {
    const place = placeInWindow(table, row);
    if (place === null) return;
    const rowHeight = place.rowHeight || usualHeight;
    const first = Math.max(0, Math.floor(place.above / rowHeight / step) * step - around);
    const seen = Math.ceil((place.above + place.windowHeight) / rowHeight / step) * step;
    const next = { from: first, to: Math.max(first, seen) + around, rowHeight };
    setVisible((known) =>
      known.from === next.from && known.to === next.to && known.rowHeight === rowHeight ? known : next,
    );
  };
  useEffect(look);
  useEffect(() => onScroll(look), []);
  return visible;
}
