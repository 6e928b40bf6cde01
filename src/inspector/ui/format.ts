/** Texts for people: instants, durations, numbers. Times are those of this computer. */

const two = (value: number): string => String(value).padStart(2, '0');

/** `14:00:31`, with milliseconds when asked. */
export function clockText(at: number, withMs = false): string {
  const date = new Date(at);
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return withMs ? `${clock}.${String(date.getMilliseconds()).padStart(3, '0')}` : clock;
}

/** With the day when that is another one than `now`'s: `30 Nov 14:00:31`. */
export function instantText(at: number, now: number, withMs = false): string {
  const clock = clockText(at, withMs);
  const [date, today] = [new Date(at), new Date(now)];
  if (date.toDateString() === today.toDateString()) return clock;
  const year = date.getFullYear() === today.getFullYear() ? '' : ` ${date.getFullYear()}`;
  return `${date.getDate()} ${months[date.getMonth()]}${year} ${clock}`;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** A duration with as many digits as its size deserves; `exact`: milliseconds below a minute. */
export function durationText(ms: number, exact = false): string {
  const length = Math.max(0, ms);
  if (exact && length < 59_999.5) return `${(length / 1000).toFixed(3)} s`;
  if (length < 999.5) return `${Math.round(length)} ms`;
  if (length < 59_950) return `${(length / 1000).toFixed(1)} s`;
  const seconds = Math.round(length / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${two(seconds % 60)} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${two(Math.floor((seconds % 3600) / 60))} m`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

/** Seconds without their unit, for columns that name it: `5.106`. */
export function secondsText(ms: number): string {
  return (ms / 1000).toFixed(3);
}

/** `12,408`. */
export function numberText(value: number): string {
  return value.toLocaleString('en-US');
}

/** The begin of an id, for places where the whole does not fit. */
export function shortId(id: string, length = 8): string {
  return id.length <= length + 1 ? id : `${id.slice(0, length)}…`;
}

/** A process by the begin of its UUID; any other author by its name. */
export function processName(by: string): string {
  return /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(by) ? by.slice(0, 4) : by;
}

/** The name of an event without the prefix that all of them have. */
export function eventText(event: string): string {
  return event.startsWith('job.') ? event.slice('job.'.length) : event;
}

/** Characters that cannot be seen, or that turn others round: from and to, both included. */
const unseenRanges: readonly (readonly [from: number, to: number])[] = [
  [0x00, 0x1f],
  [0x7f, 0x9f],
  [0xad, 0xad],
  [0x61c, 0x61c],
  [0x200b, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0xfeff, 0xfeff],
];
const hex = (code: number): string => `\\u${code.toString(16).padStart(4, '0')}`;
const unseen = new RegExp(`[${unseenRanges.map(([from, to]) => `${hex(from)}-${hex(to)}`).join('')}]`, 'g');

/** A text of a program with every character that cannot be seen, or that turns others round, written out. */
export function printable(text: string): string {
  return text.replace(unseen, (character) => {
    if (character === '\n') return '\\n';
    if (character === '\t') return '\\t';
    return hex(character.charCodeAt(0));
  });
}
