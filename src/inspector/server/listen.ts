import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignalboxError } from '../../index.ts';
import type { NodeHandler } from './node-adapter.ts';
import { nextTurn } from './ports.ts';

/** A server of its own that listens. */
export interface Listening {
  /** The address to open, with the token after `#t=` when it has one. */
  readonly url: string;
  /** Ends it, and its connections. */
  close(): Promise<void>;
}

const ownAddresses = ['127.0.0.1', 'localhost', '::1'];
const maxConnections = 64;

/** Check 5: another address than this computer's own wants people who are checked. */
export function checkAddress(host: string, isGuarded: boolean): void {
  if (isGuarded || ownAddresses.includes(host)) return;
  throw new SignalboxError('INVALID_OPTION', {
    option: 'host',
    expected: 'an address of this computer alone',
    actual: host,
    repair: 'Give createInspector authorize, or listen a token, to open it to others.',
  });
}

/** Where to listen, and what to do first when it ends. */
export interface ListenRequest {
  readonly host: string;
  readonly port: number;
  readonly token: string | null;
  /** Ends the streams. */
  closing(): void;
}

/** Listens. */
export async function listenOn(
  handler: NodeHandler,
  { host, port, token, closing }: ListenRequest,
): Promise<Listening> {
  const server = createServer({ headersTimeout: 5000, requestTimeout: 10_000 }, (request, response) => {
    void handler(request, response);
  });
  server.maxConnections = maxConnections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve());
  });
  server.removeAllListeners('error');
  const { port: actual } = server.address() as AddressInfo;
  const name = host.includes(':') ? `[${host}]` : host;
  return {
    url: `http://${name}:${actual}/${token === null ? '' : `#t=${token}`}`,
    close: async () => {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      closing();
      // Their last words are on their way before the connections are cut.
      await nextTurn();
      server.closeAllConnections();
      await closed;
    },
  };
}
