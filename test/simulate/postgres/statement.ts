import type { Rows } from '../../../src/store/postgres/sql-port.ts';
import type { Session } from './sessions.ts';

/** The outcome of a statement. */
export type Outcome =
  | { readonly ok: true; readonly rows: Rows }
  | { readonly ok: false; readonly error: unknown };

/** A statement that was handed to the server. */
export class Statement {
  readonly session: Session;
  /** Called once the outcome is known and its turn has come. */
  readonly onDone: (outcome: Outcome) => void;
  readonly answered: Promise<void>;
  outcome: Outcome | null = null;

  constructor(
    session: Session,
    query: { readonly text: string; readonly values: readonly unknown[] | undefined },
    onDone: (outcome: Outcome) => void,
  ) {
    this.session = session;
    this.onDone = onDone;
    this.answered = session.query(query.text, query.values).then(
      (rows) => {
        this.outcome = { ok: true, rows };
      },
      (error: unknown) => {
        this.outcome = { ok: false, error };
      },
    );
  }
}
