import type { Json } from '../../../machines/json.ts';
import { codedKey } from '../../model/values/values.ts';

/** Text that is written into code as it is. */
class Verbatim {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

const width = 100;

/** A value as TypeScript has it, in one line where that is short. `indent`: of the line that it begins in. */
export function codeOf(value: unknown, indent = ''): string {
  const short = flat(value);
  if (
    short.length + indent.length <= width ||
    typeof value !== 'object' ||
    value === null ||
    value instanceof Verbatim
  )
    return short;
  const [first, last] = Array.isArray(value) ? value : [];
  // When, and what: the first stays in the line in which the second begins.
  if (Array.isArray(value) && value.length === 2 && typeof first === 'string' && typeof last === 'object')
    return `[${flat(first)}, ${codeOf(last, indent)}]`;
  const inner = `${indent}  `;
  const lines = Array.isArray(value)
    ? value.map((each) => `${inner}${codeOf(each, inner)},`)
    : Object.entries(value).map(([key, each]) => `${inner}${keyOf(key)}: ${codeOf(each, inner)},`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return `${open}\n${lines.join('\n')}\n${indent}${close}`;
}

function flat(value: unknown): string {
  if (value instanceof Verbatim) return value.text;
  if (typeof value === 'string') return textOf(value);
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map(flat).join(', ')}]`;
  const keys = Object.entries(value).map(([key, each]) => `${keyOf(key)}: ${flat(each)}`);
  return keys.length === 0 ? '{}' : `{ ${keys.join(', ')} }`;
}

function textOf(text: string): string {
  const escaped = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'");
  return `'${escaped.replaceAll(unseen, (each) => `\\u{${each.codePointAt(0)?.toString(16)}}`)}'`;
}

function keyOf(key: string): string {
  // Written plainly it would set the prototype.
  if (key === '__proto__') return `['__proto__']`;
  return /^[A-Za-z_$][\w$]*$/.test(key) || /^(0|[1-9]\d{0,8})$/.test(key) ? key : textOf(key);
}

/** A stored value as a program has it, to be written as code: a failure is made anew, a job is `{ $job: id }`. */
export function programValue(stored: Json): unknown {
  if (typeof stored !== 'object' || stored === null) return stored;
  if (Array.isArray(stored)) return stored.map(programValue);
  const entries = Object.entries(stored as { readonly [key: string]: Json });
  const [[only, value] = ['', null]] = entries;
  if (entries.length === 1 && only === '$job') return { $job: value };
  if (entries.length === 1 && only === '$null') return null;
  if (entries.length === 1 && only === codedKey) return '[coded]';
  if (entries.length === 1 && only === '$failure')
    return new Verbatim(`new Failure(${flat(programValue(value))})`);
  const plain = entries.map(
    ([key, inner]) => [key.startsWith('$$') ? key.slice(1) : key, programValue(inner)] as const,
  );
  // A literal of `__proto__` would set the prototype here, too.
  return Object.fromEntries(plain);
}

/** Whether code names a class of this package. */
export function usesFailure(code: string): boolean {
  return code.includes('new Failure(');
}

/** Characters that cannot be seen, or that turn others round. */
const unseen = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** Text for a comment of one line. */
export function commentOf(text: string): string {
  return text.replaceAll(unseen, ' ');
}
