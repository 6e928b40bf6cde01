import { ConflictError, SignalboxError } from '../../errors.ts';
import type { Commit } from '../store.ts';

/** What a database error is to the store. */
export type FailureKind =
  /** Another transaction was in the way: nothing was done, and a retry may well succeed. */
  | 'repeat'
  /** The connection is gone, or the server is going away: it is unknown whether the last statement was done. */
  | 'lost'
  /** Repeating does not help. */
  | 'refused';

/**
 * Serialization failure, deadlock, a lock or a statement that took too long, and a row that another transaction
 * has just made.
 */
const repeatable = new Set(['40001', '40P01', '55P03', '57014', '23505']);

const network = /^(E(CONN|PIPE|TIMEDOUT|HOST|NET|NOTFOUND|AI_))/;

/** What a server says of an error of its own; every one of these codes has a digit, no code of an operating system has. */
const sqlState = /^(?=.*\d)[0-9A-Z]{5}$/;

/** The driver's own errors have no code. */
const driverMessages =
  /^(Connection terminated|Query read timeout|timeout e|Client (has encountered a connection error|was closed)|Cannot use a pool)/;

/** @returns what an error of the driver means for what was tried. */
export function kindOfError(error: unknown): FailureKind {
  const code = codeOf(error);
  if (repeatable.has(code)) return 'repeat';
  // Connection exceptions; shutdowns and crashes of the server; too many connections; a session that was idle too long.
  if (/^08|^57P0|^53300|^25P0[34]/.test(code) || network.test(code)) return 'lost';
  if (code === '' && error instanceof Error && driverMessages.test(error.message)) return 'lost';
  return 'refused';
}

/**
 * What a statement failed with. Only an error of the server itself means that nothing was done: an answer that
 * cannot be read, as of a broken TLS record, is that of a lost connection. Like what PostgreSQL calls so it is
 * a violation of the protocol.
 */
export function answerOf(error: unknown): unknown {
  if (sqlState.test(codeOf(error)) || kindOfError(error) === 'lost') return error;
  return Object.assign(new Error(reasonOf(error), { cause: error }), { code: '08P01' });
}

/** SQLSTATE, or the code of the operating system; empty when there is no code. */
export function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : '';
}

/** The error of the store for one of the driver. Never shows a connection string: that may hold a password. */
export function storeError(error: unknown, call: string, outcome: 'unknown' | 'not committed'): Error {
  if (error instanceof SignalboxError) return error;
  const reason = reasonOf(error);
  const cause = { cause: error };
  const code = codeOf(error);
  if (kindOfError(error) === 'lost')
    return new SignalboxError('STORE_DISCONNECTED', { call, reason, outcome }, cause);
  if (code === '53100') return new SignalboxError('STORE_FULL', { path: 'the database', needed: 1 }, cause);
  if (code === '42501') return new SignalboxError('STORE_DENIED', { call, reason }, cause);
  if (code === '25006') return new SignalboxError('STORE_REPLICA', { reason }, cause);
  // What no database said is the program's own: of a filter, a chooser, a policy.
  if (!sqlState.test(code)) return error instanceof Error ? error : new Error(reason);
  // A named statement that another connection of a pooler has, or has not.
  const remedy =
    code === '26000' || code === '42P05' ? ' Behind a pooler open the store with `prepare: false`.' : '';
  return new SignalboxError('STORE_STATEMENT', { call, reason: `${reason}${remedy}` }, cause);
}

export function reasonOf(error: unknown): string {
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  return code === '' || message.includes(code) ? message : `${message} (${code})`;
}

/** Another transaction, which could not be seen, has made a record of this one. The database has ended this one for it. */
export function madeElsewhere({ changes: [first] }: Commit, cause: unknown): ConflictError {
  const about = {
    subject: `${first?.kind}/${first?.id}`,
    expected: 'absent',
    actual: 'one of another transaction',
  };
  return new ConflictError(about, { cause });
}

/** Whenever it was judged, others were faster, for as long as a statement may take. Its caller judges by what is so now. */
export function changedAgain(cause: Error): ConflictError {
  // The rest of it is how the store talks to its own function.
  const subject = String((cause as { readonly detail?: unknown }).detail ?? 'a record');
  return new ConflictError({ subject, expected: 'as it was read', actual: 'something else' });
}
