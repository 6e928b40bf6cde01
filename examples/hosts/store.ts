import type { Store } from 'signalbox';
import { postgresStore } from 'signalbox/postgres';

/** The one database of all processes. A sign of life twice a second: the defaults are for hosts that die less often. */
export function sharedStore(): Store {
  const connectionString = process.env.DATABASE_URL ?? '';
  return postgresStore({ connectionString, schema: 'signalbox_hosts', heartbeat: '500ms' });
}
