import type { Difference } from './difference.ts';
import type { Hello, Problem } from './hello.ts';

/** What `POST api/v1/stream` is asked for. */
export interface StreamRequest {
  /** Paths of questions, such as `overview` or `jobs/ID`. */
  readonly topics: readonly string[];
  /** The position of what the page has already, by topic. */
  readonly since?: Readonly<Record<string, string>>;
}

/** One line of a stream, as JSON. */
export type Frame =
  /** The first one: the newest entry, and the clock of the store. */
  | {
      readonly is: 'hello';
      readonly v: 1;
      readonly seq: number;
      readonly now: number;
      readonly level: Hello['level'];
      readonly source: Hello['source'];
    }
  /** The whole answer to a question. */
  | {
      readonly is: 'snapshot';
      readonly topic: string;
      /** `<epoch>.<seq>.<number>`: given back as `since`, it continues from here. */
      readonly position: string;
      readonly seq: number;
      readonly at: number;
      readonly data: object;
    }
  /** What changed in the answer that this stream brought, or that its page named in `since`. Patch null: nothing, until now. */
  | {
      readonly is: 'delta';
      readonly topic: string;
      readonly position: string;
      readonly seq: readonly [from: number, to: number];
      readonly at: number;
      readonly patch: Difference | null;
    }
  /** What happened between two entries was not sent: the page reads too slowly. A snapshot follows. */
  | {
      readonly is: 'gap';
      readonly topic: string;
      readonly from: number;
      readonly to: number;
      readonly why: 'slow';
    }
  /** There is no answer; the one before, if any, is what was. */
  | { readonly is: 'problem'; readonly topic: string; readonly error: Problem['error'] }
  /** Nothing else was to be said; the line is in order. */
  | { readonly is: 'alive'; readonly seq: number; readonly now: number }
  /** The last one. `again`: ask anew, at once. */
  | { readonly is: 'bye'; readonly why: 'closed' | 'stopped' | 'again' };
