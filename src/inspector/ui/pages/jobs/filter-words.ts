import type { JobRow } from '../../../protocol/jobs.ts';

/** What a person typed: patterns that the store looks for, and words that the rows on the page are looked at for. */
export interface JobFilter {
  /** Definition patterns, asked of the store. */
  readonly names: readonly string[];
  readonly tests: readonly ((row: JobRow) => boolean)[];
}

/**
 * Reads a filter: `task:mail.*`, `id:`, `error:`, `agent:`, `ending:`, `tries:>2`, `run:>5s`, `all:>1m`, and plain words; `-`
 * before a word negates it, and quotes keep it together.
 */
export function filterOf(text: string): JobFilter {
  const words = text.match(/-?(?:[\w]+:)?(?:"[^"]*"|\S)+/g) ?? [];
  const names: string[] = [];
  const tests: ((row: JobRow) => boolean)[] = [];
  for (const word of words) {
    const [, minus = '', key = '', value = ''] = /^(-?)(?:([a-z]+):)?"?(.*?)"?$/.exec(word) ?? [];
    if (value === '') continue;
    if (key === 'task' && minus === '') {
      names.push(value);
      continue;
    }
    const test = testOf(key, value);
    tests.push(minus === '' ? test : (row) => !test(row));
  }
  return { names, tests };
}

/** Whether a row passes. */
export function matches(row: JobRow, { tests }: JobFilter): boolean {
  return tests.every((test) => test(row));
}

function testOf(key: string, value: string): (row: JobRow) => boolean {
  switch (key) {
    case 'task':
      return ({ name }) => isLike(name, value);
    case 'id':
      return ({ id }) => id.startsWith(value);
    case 'error':
      return ({ why }) => has(why, value);
    case 'agent':
      return ({ agent }) => has(agent, value);
    case 'ending':
      return ({ ending, state }) => ending === value || state === value;
    case 'tries':
      return ({ attempts }) => compares(attempts, value, Number);
    case 'run':
      return ({ runMs }) => runMs !== null && compares(runMs, value, msOf);
    case 'all':
      return ({ totalMs }) => totalMs !== null && compares(totalMs, value, msOf);
    default:
      return ({ id, name, why }) => id.startsWith(value) || has(name, value) || has(why, value);
  }
}

function has(text: string | null, part: string): boolean {
  return text?.toLowerCase().includes(part.toLowerCase()) === true;
}

/** In a pattern `*` stands for any characters, and nothing else is special. */
function isLike(text: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return text === first;
  const last = rest.pop() ?? '';
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  let from = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, from);
    if (found < 0) return false;
    from = found + part.length;
  }
  return from <= text.length - last.length;
}

function compares(actual: number, value: string, read: (text: string) => number): boolean {
  const [, sign = '', text = ''] = /^([<>]=?)?(.*)$/.exec(value) ?? [];
  const wanted = read(text);
  if (sign === '>') return actual > wanted;
  if (sign === '>=') return actual >= wanted;
  if (sign === '<') return actual < wanted;
  if (sign === '<=') return actual <= wanted;
  return actual === wanted;
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function msOf(text: string): number {
  const [, count = '', unit = 'ms'] = /^([\d.]+)\s*(ms|s|m|h|d)?$/.exec(text) ?? [];
  return Number(count) * (units[unit] ?? 1);
}
