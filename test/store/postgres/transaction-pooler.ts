import { createServer, type Server, type Socket } from 'node:net';
import { Client } from 'pg';

/** A connection to the server. */
interface Backend {
  readonly socket: Socket;
  /** Hears of the frames that it sends. */
  heard: (type: string, frame: Buffer) => void;
  lost: () => void;
}

const sslRequest = 80877103;
const encryptionRequest = 80877104;
const protocol3 = 196608;

/**
 * What a pooler in transaction mode does to its clients, and a little worse: each transaction, and each statement outside
 * one, gets the connection that was used least lately, and nothing of a session is left behind on it. Parameters of the
 * session are those of the server; notifications go to the client that has the connection at that moment.
 */
export class TransactionPooler {
  readonly #url: URL;
  readonly #idle: Backend[] = [];
  readonly #waiting: ((backend: Backend) => void)[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #server: Server = createServer((socket) => this.#serve(socket));

  private constructor(url: string) {
    this.#url = new URL(url);
  }

  static async start(url: string, size = 6): Promise<TransactionPooler> {
    const pooler = new TransactionPooler(url);
    for (let index = 0; index < size; index += 1) await pooler.#connect();
    await new Promise<void>((resolve) => pooler.#server.listen(0, '127.0.0.1', resolve));
    return pooler;
  }

  get url(): string {
    const url = new URL(this.#url);
    const address = this.#server.address();
    url.host = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    url.search = '?sslmode=disable';
    return url.toString();
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** The driver signs in; then its connection is ours. */
  async #connect(): Promise<void> {
    const client = new Client({ connectionString: this.#url.toString() });
    await client.connect();
    const { stream: socket } = (client as unknown as { connection: { stream: Socket } }).connection;
    socket.removeAllListeners();
    const backend: Backend = { socket, heard: () => {}, lost: () => {} };
    this.#keep(socket, () => {});
    onFrames(socket, (type, frame) => backend.heard(type, frame));
    socket.on('close', () => {
      const index = this.#idle.indexOf(backend);
      if (index >= 0) this.#idle.splice(index, 1);
      backend.lost();
      if (this.#server.listening) this.#connect().catch(() => {});
    });
    this.#free(backend);
  }

  #keep(socket: Socket, closed: () => void): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#sockets.delete(socket);
      closed();
    });
  }

  #free(backend: Backend): void {
    backend.heard = backend.lost = () => {};
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(backend);
    else next(backend);
  }

  #take(): Promise<Backend> {
    const backend = this.#idle.shift();
    return backend === undefined
      ? new Promise((resolve) => this.#waiting.push(resolve))
      : Promise.resolve(backend);
  }

  #giveBack(backend: Backend): void {
    backend.lost = () => {};
    backend.heard = (type) => {
      if (type === 'Z') this.#free(backend);
    };
    backend.socket.write(message('Q', Buffer.from('DISCARD ALL\0')));
  }

  #serve(socket: Socket): void {
    /** Frames up to and with the one that asks for an answer. */
    const units: Buffer[][] = [];
    let unit: Buffer[] = [];
    let linked: Backend | null = null;
    let isBusy = false;
    const next = async (): Promise<void> => {
      const frames = units[0];
      if (isBusy || frames === undefined) return;
      isBusy = true;
      units.shift();
      const backend = linked ?? (await this.#take());
      if (socket.destroyed) return this.#giveBack(backend);
      linked = backend;
      backend.lost = () => socket.destroy();
      backend.heard = (type, frame) => {
        const isOver = type === 'Z' && frame.toString('latin1', 5) === 'I';
        if (isOver) {
          linked = null;
          this.#giveBack(backend);
        }
        socket.write(frame);
        if (type !== 'Z') return;
        isBusy = false;
        void next();
      };
      backend.socket.write(Buffer.concat(frames));
    };
    this.#keep(socket, () => {
      // What was begun and not ended is rolled back.
      linked?.socket.destroy();
    });
    onFrames(
      socket,
      (type, frame) => {
        if (type === 'X') socket.destroy();
        unit.push(frame);
        if (type !== 'Q' && type !== 'S') return;
        units.push(unit);
        unit = [];
        void next();
      },
      (code) => {
        if (code === sslRequest || code === encryptionRequest) socket.write('N');
        else if (code !== protocol3) socket.destroy();
        else socket.write(Buffer.concat([message('R', Buffer.alloc(4)), message('Z', Buffer.from('I'))]));
        return code === protocol3;
      },
    );
  }
}

function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

/**
 * Cuts what arrives into frames. A client's first ones have no type, only a code; `opened` says whether the
 * last has arrived.
 */
function onFrames(
  socket: Socket,
  heard: (type: string, frame: Buffer) => void,
  opened?: (code: number) => boolean,
): void {
  let rest: Buffer = Buffer.alloc(0);
  let isOpen = opened === undefined;
  socket.on('data', (data: Buffer) => {
    rest = Buffer.concat([rest, data]);
    for (;;) {
      const typeBytes = isOpen ? 1 : 0;
      if (rest.length < typeBytes + 4) return;
      const end = typeBytes + rest.readInt32BE(typeBytes);
      if (rest.length < end) return;
      const frame = rest.subarray(0, end);
      rest = rest.subarray(end);
      if (isOpen) heard(frame.toString('latin1', 0, 1), frame);
      else isOpen = opened?.(frame.readInt32BE(4)) ?? true;
    }
  });
}
