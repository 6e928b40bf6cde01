import { actorsMigration } from '../sql/actors.ts';
import { dueMigration } from '../sql/due.ts';
import { functions } from '../sql/functions.ts';
import { tables } from '../sql/tables.ts';

/**
 * What builds the schema, in order. A migration that was released is never edited: a change is a new one at the end.
 * `{schema}` is replaced by the quoted name of the schema.
 */
export const migrations: readonly string[] = [`${tables}\n${functions}`, actorsMigration, dueMigration];
