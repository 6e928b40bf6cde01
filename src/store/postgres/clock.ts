import type { Rows } from './sql-port.ts';

/**
 * The clock of the database, the only one that all hosts share: read with every transaction, and carried on in between
 * by time that passes. The wall clock of this host has no part in it.
 */
export class DatabaseClock {
  readonly question = '(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now';
  readonly #elapsed: () => number;
  readonly #given: (() => number) | null;
  #read = 0;
  #readAt = 0;

  /** `given`: the clock to use instead, for tests in virtual time. */
  constructor(elapsed: () => number, given: (() => number) | null) {
    this.#elapsed = elapsed;
    this.#given = given;
  }

  now(): number {
    return this.#given === null ? Math.round(this.#read + this.#elapsed() - this.#readAt) : this.#given();
  }

  /** The instant by a clock that is moved by hand; null: that of the database counts. */
  given(): number | null {
    return this.#given === null ? null : this.#given();
  }

  /** The time now in a statement: as the database has it at that moment, or the one that is used instead. */
  expression(): string {
    return this.#given === null ? 'clock_timestamp()' : `to_timestamp(${this.#given()} / 1000.0)`;
  }

  /** To be called when the question is asked. Gives what takes over the time of the row that is the answer. */
  asking(): (row: Rows[number] | undefined) => void {
    const askedAt = this.#elapsed();
    return (row) => {
      if (this.#given === null && row?.now !== undefined) this.#keep(Number(row.now), askedAt);
    };
  }

  /** An answer is late by what it took at most. Whatever kept it from being read must not set the clock back. */
  #keep(answered: number, askedAt: number): void {
    const now = this.#elapsed();
    const present = this.#read + now - this.#readAt;
    if (present > answered && present <= answered + now - askedAt) return;
    this.#read = answered;
    this.#readAt = now;
  }
}
