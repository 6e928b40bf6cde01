import { checkHost, checkOrigin, checkViewer, type Door, isRefusal } from './access.ts';
import type { Acting } from './actions.ts';
import type { Answers } from './answers.ts';
import type { Assets } from './assets.ts';
import { withHeaders } from './headers.ts';
import type { Hub } from './live/hub.ts';
import { createRoutes, refusalAnswer } from './routes.ts';

/** What is known of the connection of a request. */
export interface Arrival {
  /** Every Host header that it has. */
  readonly hosts: readonly string[];
  /** The port that it came to; null: not known. */
  readonly port: number | null;
  /** The path as the browser sent it, before a router took its part off. */
  readonly path: string;
}

/** Answers one request. */
export type Handler = (request: Request, arrival: Arrival) => Promise<Response>;

const api = '/api/v1/';

/**
 * The inspector as one function. It works under any path without being given it: the end of a path says what is meant, and
 * pages ask relative to their own address. `acting` null: nothing can be done here.
 */
export function createHandler(
  answers: Answers,
  assets: Assets,
  door: Door,
  hub: Hub,
  acting: Acting | null,
): Handler {
  const routes = createRoutes(answers, hub, door, acting);

  const answer = async (request: Request, { hosts, port, path }: Arrival): Promise<Response> => {
    const at = path.lastIndexOf(api);
    const refused = checkHost(hosts, door, port) ?? checkOrigin(request, hosts[0] ?? '');
    if (refused !== null) return refusalAnswer(refused);
    const viewer = await checkViewer(request, door, at >= 0);
    if (isRefusal(viewer)) return refusalAnswer(viewer);
    if (at < 0) return page(assets, request, path);
    const url = new URL(path.slice(at + api.length - 1) + new URL(request.url).search, 'http://inspector');
    return routes.fetch(new Request(url, request), { viewer });
  };

  return async (request, arrival) => withHeaders(await answer(request, arrival));
}

function page(assets: Assets, request: Request, path: string): Response {
  if (path.endsWith('/')) return assets.answer('index.html', request);
  const [, asset] = /\/(assets\/[^/]+)$/.exec(path) ?? [];
  if (asset !== undefined) return assets.answer(asset, request);
  // Relative, so that no path can lead to another host.
  const last = path.slice(path.lastIndexOf('/') + 1);
  return new Response(null, { status: 308, headers: { location: `./${last}/` } });
}
