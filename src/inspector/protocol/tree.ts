/** An integer beyond 2^53, by its digits: JSON parsers would round it. */
export interface Wide {
  readonly $n: string;
}

/** A value as a page draws it: cut to what a page can hold, confidential parts hidden by the server. */
export type Tree =
  | { readonly is: 'null' }
  | { readonly is: 'boolean'; readonly value: boolean }
  | { readonly is: 'number'; readonly value: number | Wide }
  /** `more`: how many characters were left out. */
  | { readonly is: 'text'; readonly text: string; readonly more: number }
  /** `more`: how many elements were left out. */
  | { readonly is: 'list'; readonly items: readonly Tree[]; readonly more: number }
  /** `more`: how many keys were left out. */
  | {
      readonly is: 'object';
      readonly entries: readonly (readonly [key: string, value: Tree])[];
      readonly more: number;
    }
  /** A reference to a job. */
  | { readonly is: 'job'; readonly id: string }
  /** Not shown, and why: `redacted`, `encrypted`, `unknown definition`. */
  | { readonly is: 'hidden'; readonly why: string }
  /** Nested deeper than a page shows. */
  | { readonly is: 'deep' };

/** An error as a page shows it. */
export interface FailureView {
  readonly name: string;
  readonly message: string;
  readonly code: string | null;
  /** The lines of its stack, without name and message. */
  readonly frames: readonly Frame[];
  readonly cause: FailureView | null;
  /** Its further properties, such as `syscall`. */
  readonly extra: Tree;
}

/** One line of a stack. */
export interface Frame {
  /** As it is written: `at chargeCard (/app/src/payments.ts:88:19)`. */
  readonly text: string;
  /** Whether it is code of the program, not of a library or of Node. */
  readonly isOwn: boolean;
  /** File and line, short: `payments.ts:88`; null: not known. */
  readonly place: string | null;
}
