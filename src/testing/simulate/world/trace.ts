import { createHash } from 'node:crypto';

/** Everything that happened in a run, in order. Two runs of one seed have the same trace. */
export class Trace {
  readonly #lines: string[] = [];
  readonly #now: () => number;
  readonly #begin: number;

  constructor(now: () => number) {
    this.#now = now;
    this.#begin = now();
  }

  add(line: string): void {
    this.#lines.push(`${this.#now() - this.#begin} ${line}`);
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  /** The first 16 characters of the SHA-256 of all lines. */
  hash(): string {
    const hash = createHash('sha256');
    for (const line of this.#lines) hash.update(line).update('\n');
    return hash.digest('hex').slice(0, 16);
  }
}
