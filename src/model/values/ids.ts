/** In the order of their codes, so that texts of them sort as numbers do; all are safe in URLs. */
const digits = '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz';
/** Enough for milliseconds until the year 2109. */
const timeLength = 7;

/**
 * The first eight characters of an id that is made at an instant: `1` and its time. Ids of one day stand together in every index,
 * and can be dropped together.
 */
export function idBeginning(at: number): string {
  if (at === newest.at) return newest.text;
  newest = { at, text: beginningOf(at) };
  return newest.text;
}

/** Many ids are made in one millisecond. */
let newest = { at: Number.NaN, text: '' };

function beginningOf(at: number): string {
  let [rest, text] = [Math.max(0, Math.floor(at)), ''];
  for (let length = 0; length < timeLength; length += 1) {
    text = `${digits[rest % 64]}${text}`;
    rest = Math.floor(rest / 64);
  }
  return `1${text}`;
}
