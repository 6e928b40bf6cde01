import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { Handler } from './handler.ts';

/** A handler for `node:http`, Express and what is built on them. */
export type NodeHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: (error?: unknown) => void,
) => Promise<void>;

/** Makes a handler of requests one of Node's. */
export function nodeHandler(handler: Handler): NodeHandler {
  return async (incoming, outgoing, next) => {
    const arrival = {
      hosts: hostsOf(incoming),
      port: incoming.socket.localPort ?? null,
      path: pathOf(incoming),
    };
    const listener = getRequestListener((request) => handler(request, arrival), {
      overrideGlobalObjects: false,
    });
    handOver(incoming);
    try {
      await listener(incoming, outgoing);
    } catch (error) {
      if (next === undefined) throw error;
      next(error);
    }
  };
}

/** A body that a parser of the server has read already is handed over as it came. */
function handOver(incoming: IncomingMessage & { readonly body?: unknown; rawBody?: Buffer }): void {
  const { body, readableEnded, rawBody } = incoming;
  if (rawBody !== undefined || (body === undefined && !readableEnded)) return;
  incoming.rawBody = Buffer.from(body === undefined ? '' : JSON.stringify(body));
}

/** Node keeps the first of several Host headers; a request that has two is refused. */
function hostsOf({ rawHeaders }: IncomingMessage): string[] {
  return rawHeaders.flatMap((name, index) =>
    index % 2 === 0 && name.toLowerCase() === 'host' ? [rawHeaders[index + 1] ?? ''] : [],
  );
}

/** Express takes the part under which a handler is mounted off `url`. */
function pathOf(incoming: IncomingMessage & { readonly originalUrl?: string }): string {
  const path = incoming.originalUrl ?? incoming.url ?? '/';
  const end = path.search(/[?#]/);
  return end < 0 ? path : path.slice(0, end);
}
