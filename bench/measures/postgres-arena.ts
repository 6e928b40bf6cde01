import { leftOutOf } from './arena.ts';
import type { Arena, ContenderName, LeftOut } from './contenders.ts';
import { Children } from './in-child.ts';
import { inPlace } from './place.ts';
import { type PostgresServer, withPostgres } from './postgres-server.ts';

/** Like `inArena`, with one PostgreSQL for all contenders instead of a Redis. */
export function inPostgresArena<Result extends object>(
  names: readonly ContenderName[],
  work: (arena: Arena, server: PostgresServer) => Promise<Result>,
): Promise<Result & { readonly leftOut: LeftOut }> {
  return inPlace((place) =>
    withPostgres(place, async (postgres) => {
      const leftOut = await leftOutOf(names, { postgres });
      const children = new Children();
      try {
        return { ...(await work({ place, postgres, leftOut, children }, postgres)), leftOut };
      } finally {
        children.end();
      }
    }),
  );
}
