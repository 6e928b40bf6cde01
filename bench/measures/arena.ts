import { withRedis } from '../peers/redis-server.ts';
import { type Arena, type ContenderName, type LeftOut, lackOf, type Servers } from './contenders.ts';
import { Children } from './in-child.ts';
import { inPlace } from './place.ts';

/**
 * Runs `work` with a folder, a Redis and child processes for the contenders. Prints which contenders are left
 * out.
 */
export function inArena<Result>(
  names: readonly ContenderName[],
  work: (arena: Arena & { readonly children: Children }) => Promise<Result>,
): Promise<{ readonly taken: Result; readonly leftOut: LeftOut }> {
  return inPlace((place) =>
    withRedis(place, async (redis) => {
      const leftOut = await leftOutOf(names, { redis });
      const children = new Children();
      try {
        return { taken: await work({ place, redis, leftOut, children }), leftOut };
      } finally {
        children.end();
      }
    }),
  );
}

/** Returns the contenders that have to be left out, and prints the reasons. */
export async function leftOutOf(names: readonly ContenderName[], servers: Servers): Promise<LeftOut> {
  const lacks = await Promise.all(names.map(async (name) => [name, await lackOf(name, servers)] as const));
  const leftOut = Object.fromEntries(lacks.filter(([, lack]) => lack !== null)) as LeftOut;
  for (const [name, lack] of Object.entries(leftOut)) console.error(`${name} is left out (null). ${lack}`);
  return leftOut;
}
