import { UsageError } from './command.ts';

/** Whether an argument names a database rather than a directory. */
export function isDatabaseUrl(text: string): boolean {
  return /^postgres(ql)?:/i.test(text);
}

/** Refuses an empty text, which an unset shell variable leaves: it would mean the current directory. */
export function mustNameStore(text: string, option: string): void {
  if (text !== '') return;
  throw new UsageError(`Expected \`${option}\` to name a directory or a database, got an empty text.`);
}

/** Refuses a text that is not the URL of a database. Never shows it: it may hold a password. */
export function databaseUrl(text: string, option: string): string {
  if (isDatabaseUrl(text) && URL.canParse(text)) return text;
  throw new UsageError(
    `Expected \`${option}\` to be a URL such as postgres://user@host:5432/database, got other text. A password may also be given in PGPASSWORD.`,
  );
}
