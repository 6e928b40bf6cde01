import { connect, createServer, type Server, type Socket } from 'node:net';

const readyForQuery = 'Z'.charCodeAt(0);

/** Which way a message goes. */
export type Way = 'to the server' | 'from the server';

/**
 * A proxy of a server. Cuts a connection behind the n-th message of one way, or garbles that message, whatever
 * it is.
 */
export class MessageProxy {
  /** How many messages are let through until the connection of the last is cut; null: all. */
  #left: number | null = null;
  #way: Way = 'to the server';
  #isGarbling = false;
  readonly #target: URL;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(target: URL) {
    this.#target = target;
    this.#server = createServer({ noDelay: true }, (client) => this.#carry(client));
  }

  static async to(url: string): Promise<MessageProxy> {
    const proxy = new MessageProxy(new URL(url));
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', () => resolve()));
    return proxy;
  }

  /** The URL of the server by way of the proxy. */
  get url(): string {
    const url = new URL(this.#target);
    const address = this.#server.address();
    url.hostname = '127.0.0.1';
    url.port = String(typeof address === 'object' ? address?.port : '');
    return url.href;
  }

  /** Cuts behind the n-th message from now on; behind no message with 0. */
  cutAfter(way: Way, messages: number): void {
    this.#way = way;
    this.#left = messages;
    this.#isGarbling = false;
  }

  /**
   * Replaces the n-th answer from now on by bytes that are no message of the protocol, and passes the rest on.
   * What comes before a connection is made does not count: then nothing was asked yet.
   */
  garble(messages: number): void {
    this.cutAfter('from the server', messages);
    this.#isGarbling = true;
  }

  /** Passes everything on again. Returns whether a message was cut or garbled. */
  disarm(): boolean {
    const wasCut = this.#left === null;
    this.#left = null;
    return wasCut;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #carry(client: Socket): void {
    const server = connect(Number(this.#target.port || 5432), this.#target.hostname);
    server.setNoDelay(true);
    const end = (): void => {
      for (const socket of [client, server]) {
        socket.destroy();
        this.#sockets.delete(socket);
      }
    };
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', end);
      socket.on('close', end);
    }
    // The first message of a client has no type before its length.
    this.#pipe(client, server, 'to the server', 0, end);
    this.#pipe(server, client, 'from the server', 1, end);
  }

  /** Sends on whole messages only: a type, a length that counts itself, and so many bytes. */
  #pipe(from: Socket, to: Socket, way: Way, typeBytes: number, end: () => void): void {
    let kept = Buffer.alloc(0);
    let head = typeBytes;
    let isMade = false;
    from.on('data', (chunk) => {
      kept = Buffer.concat([kept, chunk]);
      let sent = 0;
      for (;;) {
        if (kept.length < sent + head + 4) break;
        const length = head + kept.readInt32BE(sent + head);
        if (kept.length < sent + length) break;
        const wasMade = isMade;
        isMade ||= kept[sent] === readyForQuery;
        sent += length;
        head = 1;
        if (way !== this.#way || this.#left === null || (this.#isGarbling && !wasMade)) continue;
        this.#left -= 1;
        if (this.#left > 0) continue;
        this.#left = null;
        if (!this.#isGarbling) {
          to.write(kept.subarray(0, sent), end);
          return;
        }
        to.write(kept.subarray(0, sent - length));
        to.write(Buffer.from([1, 0, 0, 0, 4]));
        kept = kept.subarray(sent);
        sent = 0;
      }
      to.write(kept.subarray(0, sent));
      kept = kept.subarray(sent);
    });
  }
}
