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
        this.outcome = { ok: false, error: withoutNames(error) };
      },
    );
  }
}

/** The name of a schema is another one in each run, and a server says it: a trace must not have it. */
function withoutNames(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  for (const [key, value] of Object.entries(error))
    if (typeof value === 'string') Object.assign(error, { [key]: value.replace(names, 'simulated') });
  return Object.assign(error, { message: error.message.replace(names, 'simulated'), length: 0 });
}

const names = /simulated_\d+_\d+/g;
