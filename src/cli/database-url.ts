import { UsageError } from './command.ts';

/** Whether an argument means a database and no directory. */
export function isDatabaseUrl(text: string): boolean {
  return /^postgres(ql)?:/i.test(text);
}

/** Refuses an empty text, as a variable that is not set leaves it: it would mean the directory of the caller. */
export function mustNameStore(text: string, option: string): void {
  if (text !== '') return;
  throw new UsageError(`Expected \`${option}\` to name a directory or a database, got an empty text.`);
}

/** Refuses what is no URL of a database, without showing it. */
export function databaseUrl(text: string, option: string): string {
  if (isDatabaseUrl(text) && URL.canParse(text)) return text;
  throw new UsageError(
    `Expected \`${option}\` to be a URL such as postgres://user@host:5432/database, got other text. A password may also be given in PGPASSWORD.`,
  );
}
