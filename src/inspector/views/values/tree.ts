import type { Json } from '../../../../machines/json.ts';
import type { Tree } from '../../protocol/tree.ts';

/** How much of a value a page gets. */
export interface TreeLimits {
  /** Characters of all its texts together. */
  readonly characters: number;
  readonly depth: number;
  /** Elements and keys of one list or object. */
  readonly width: number;
}

/** A value on its own page. */
const detailLimits: TreeLimits = { characters: 65_536, depth: 12, width: 200 };

/** A value in a line. */
export const lineLimits: TreeLimits = { characters: 200, depth: 4, width: 20 };

/** Turns a stored value, already redacted, into what a page draws. `why`: what stands in the place of what is hidden. */
export function treeOf(value: Json, limits: TreeLimits = detailLimits, why = 'redacted'): Tree {
  return new Grower(limits, why).grow(value, 0);
}

class Grower {
  readonly #limits: TreeLimits;
  readonly #why: string;
  #left: number;

  constructor(limits: TreeLimits, why: string) {
    this.#limits = limits;
    this.#why = why;
    this.#left = limits.characters;
  }

  grow(value: Json, depth: number): Tree {
    if (value === null) return { is: 'null' };
    if (typeof value === 'boolean') return { is: 'boolean', value };
    if (typeof value === 'number') return { is: 'number', value: wide(value) };
    if (typeof value === 'string') return this.#text(value);
    return this.#special(value) ?? this.#nested(value, depth);
  }

  #text(value: string): Tree {
    if (value === '[redacted]') return { is: 'hidden', why: this.#why };
    const text = value.slice(0, Math.max(0, this.#left)).toWellFormed();
    this.#left -= text.length;
    return { is: 'text', text, more: value.length - text.length };
  }

  /** A reference to a job, and what a codec has encoded that is not here. */
  #special(value: object): Tree | null {
    const keys = Object.keys(value);
    if (keys.length !== 1) return null;
    if ('$job' in value) return { is: 'job', id: String(value.$job) };
    return '$coded' in value ? { is: 'hidden', why: 'encrypted' } : null;
  }

  #nested(value: readonly Json[] | { readonly [key: string]: Json }, depth: number): Tree {
    const { depth: most, width } = this.#limits;
    if (depth >= most) return { is: 'deep' };
    if (Array.isArray(value)) {
      const items = value.slice(0, this.#room(width)).map((item: Json) => this.grow(item, depth + 1));
      return { is: 'list', items, more: value.length - items.length };
    }
    const all = Object.entries(value as { readonly [key: string]: Json });
    const entries = all
      .slice(0, this.#room(width))
      .map(([key, part]) => [this.#key(key), this.grow(part, depth + 1)] as const);
    return { is: 'object', entries, more: all.length - entries.length };
  }

  /** Keys and elements cost a few characters each, so that a value without texts ends, too. */
  #room(width: number): number {
    const room = Math.max(0, Math.min(width, this.#left));
    this.#left -= room;
    return room;
  }

  /** The stored form doubles the `$` of a program's key. */
  #key(stored: string): string {
    const key = (stored.startsWith('$$') ? stored.slice(1) : stored).slice(0, 200).toWellFormed();
    this.#left -= key.length;
    return key;
  }
}

/** JSON parsers of other languages round what is beyond 2^53. */
function wide(value: number): Extract<Tree, { is: 'number' }>['value'] {
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? { $n: BigInt(value).toString() } : value;
}
