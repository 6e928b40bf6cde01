import type { Store } from 'signalbox';
import { postgresStore } from 'signalbox/postgres';

/** Returns the store that all processes share. Its short heartbeat is only for this demonstration. */
export function sharedStore(): Store {
  const connectionString = process.env.DATABASE_URL ?? '';
  return postgresStore({ connectionString, schema: 'signalbox_hosts', heartbeat: '500ms' });
}
