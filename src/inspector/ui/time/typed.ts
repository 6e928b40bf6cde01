/** What a person wrote to get to a moment. */
export type Typed =
  | { readonly is: 'seq'; readonly seq: number }
  | { readonly is: 'instant'; readonly at: number }
  | { readonly is: 'now' }
  /** Anything else may be the id of a job. */
  | { readonly is: 'id'; readonly id: string };

const clock = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3}))?)?$/;
const dated = /^(\d{4}-\d{2}-\d{2})[T ](\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)(Z|[+-]\d{2}:?\d{2})?$/;
const ago = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)(?:\s+ago)?$/;
const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Reads it: an entry, `14:01`, `14:01:09.220`, `2026-11-30 14:01`, `5m ago`, an id. `now`: of the store. */
export function typedMoment(text: string, now: number): Typed {
  const trimmed = text.trim();
  if (/^(now|)$/i.test(trimmed)) return { is: 'now' };
  const digits = trimmed.replaceAll(/[, _]/g, '').replace(/^seq/i, '');
  if (/^\d{1,15}$/.test(digits)) return { is: 'seq', seq: Number(digits) };
  const at = agoOf(trimmed, now) ?? datedOf(trimmed) ?? clockOf(trimmed, now);
  return at === null ? { is: 'id', id: trimmed } : { is: 'instant', at };
}

function agoOf(text: string, now: number): number | null {
  const [, count, unit] = ago.exec(text) ?? [];
  return count === undefined ? null : now - Number(count) * units[unit as keyof typeof units];
}

function datedOf(text: string): number | null {
  const [, day, time, zone = ''] = dated.exec(text) ?? [];
  if (day === undefined) return null;
  const at = Date.parse(
    `${day}T${time?.padStart(time.indexOf(':') === 1 ? time.length + 1 : 0, '0')}${zone}`,
  );
  return Number.isNaN(at) ? null : at;
}

/** A time of day is the last one that has been. */
function clockOf(text: string, now: number): number | null {
  const [, hours, minutes, seconds = '0', fraction = '0'] = clock.exec(text) ?? [];
  if (hours === undefined || Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return null;
  const date = new Date(now);
  date.setHours(Number(hours), Number(minutes), Number(seconds), Number(fraction.padEnd(3, '0')));
  if (date.getTime() > now) date.setDate(date.getDate() - 1);
  return date.getTime();
}
