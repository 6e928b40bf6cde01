import { connect, createServer, type Server, type Socket } from 'node:net';

/** The text of the message that commits a transaction of a program, to its end: others have the word in them. */
export const commitText = 'COMMIT\0';

/** Texts of statements of the store, of which one is in each message that makes it: its own, or its name. */
export const statements = {
  commit: ['.commit(', 'signalbox_commit_'],
  heads: ['.heads(', 'signalbox_heads_'],
  sync: ['pg_logical_emit_message', 'signalbox_sync_'],
} as const;

/** A text in a message, or several of which one is. */
export type Needle = string | readonly string[];

/** How a connection ends at a message to the server. */
export type Cut =
  /** Gone before the message is sent on. */
  | 'before'
  /** Half of the message is sent on. */
  | 'half'
  /** The message is sent on, its answer is not. */
  | 'answer'
  /** Gone when the answer has been sent on. */
  | 'after'
  /** The message is sent on, and from then on nothing comes through, without an error. */
  | 'silence'
  /** Gone for the client; the message arrives when it is let through, as one that waited in a socket. */
  | 'late';

/** A cut that waits for its message. */
interface Armed {
  readonly needle: Needle;
  readonly cut: Cut | 'held';
  readonly done: (link: Link) => void;
}

/** What is to be done at a place in what was sent. */
interface Found {
  readonly cut: Cut | 'held';
  readonly at: number;
}

/** How long a silent connection stays open. */
const silenceMs = 4_000;

/** Forwards between processes and their server, and cuts connections at chosen messages. */
export class CuttingProxy {
  /** Cuts that were made. */
  made = 0;
  readonly #target: URL;
  readonly #server: Server;
  readonly #links = new Set<Link>();
  #armed: Armed[] = [];
  readonly #late: Link[] = [];
  #isShut = false;

  private constructor(target: URL) {
    this.#target = target;
    this.#server = createServer({ noDelay: true }, (client) => {
      if (this.#isShut) return void client.destroy();
      const link: Link = new Link(client, connect(this.port, this.host), (sent) => this.#cutFor(link, sent));
      this.#links.add(link);
      client.on('close', () => this.#links.delete(link));
    });
  }

  static async to(url: string): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(new URL(url));
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', () => resolve()));
    return proxy;
  }

  /** Of the server. */
  private get host(): string {
    return this.#target.hostname;
  }

  private get port(): number {
    return Number(this.#target.port || 5432);
  }

  /** The URL of the server by way of the proxy. */
  get url(): string {
    const url = new URL(this.#target);
    const address = this.#server.address();
    url.hostname = '127.0.0.1';
    url.port = String(typeof address === 'object' ? address?.port : '');
    return url.href;
  }

  /** Cuts at the next message with this text, on whichever connection it comes. Resolves when that is done. */
  cutAt(needle: Needle, cut: Cut): Promise<void> {
    return new Promise((done) => {
      this.#armed.push({ needle, cut, done: () => done() });
    });
  }

  /** From now on connections that listen receive nothing, and no error says so. */
  deafen(): void {
    for (const link of this.#links) link.deafen();
  }

  /** Keeps back the answer to the next message with this text. */
  holdAnswer(needle: Needle): { readonly held: Promise<void>; readonly release: () => void } {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      this.#armed.push({
        needle,
        cut: 'held',
        done: (link) => {
          release = () => link.release();
          resolve();
        },
      });
    });
    return { held, release: () => release() };
  }

  /** Lets through what is late. Resolves when the server has answered it. */
  async deliver(): Promise<void> {
    await Promise.all(this.#late.splice(0).map((link) => link.deliver()));
  }

  /** Takes back what has not met its message. */
  disarm(): void {
    this.#armed = [];
  }

  /** Ends every connection and refuses new ones. */
  shut(): void {
    this.#isShut = true;
    for (const link of [...this.#links]) link.end();
  }

  reopen(): void {
    this.#isShut = false;
  }

  async close(): Promise<void> {
    for (const link of [...this.#links, ...this.#late]) link.end();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #cutFor(link: Link, sent: Buffer): Found | null {
    for (const [index, { needle, cut, done }] of this.#armed.entries()) {
      const places = [needle].flat().map((text) => sent.indexOf(text));
      const at = Math.min(...places.filter((place) => place >= 0));
      if (at === Number.POSITIVE_INFINITY) continue;
      this.#armed.splice(index, 1);
      this.made += 1;
      if (cut === 'late') this.#late.push(link);
      done(link);
      return { cut, at: beginningOf(sent, at) };
    }
    return null;
  }
}

/** Where the message begins that holds a text: a query, or a statement that is to be parsed. */
function beginningOf(sent: Buffer, at: number): number {
  for (let place = at - 5; place >= 0 && place > at - 80; place -= 1) {
    const isMessage = sent[place] === 0x51 || sent[place] === 0x50;
    if (
      isMessage &&
      place + 1 + sent.readInt32BE(place + 1) <= sent.length &&
      sent.readInt32BE(place + 1) > 4
    )
      return place;
  }
  return at;
}

/** One connection on its way through. */
class Link {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #kept: Buffer[] = [];
  #cut: Cut | 'held' | null = null;
  #listens = false;
  #isDeaf = false;
  #lateMessage: Buffer | null = null;

  constructor(client: Socket, server: Socket, found: (sent: Buffer) => Found | null) {
    this.#client = client;
    this.#server = server;
    server.setNoDelay(true);
    client.on('data', (sent) => {
      if (this.#cut !== null && this.#cut !== 'held') return;
      this.#listens ||= sent.includes('LISTEN ');
      const place = found(sent);
      if (place === null) server.write(sent);
      else this.#begin(sent, place);
    });
    server.on('data', (answer) => this.#answer(answer));
    for (const socket of [client, server]) {
      socket.on('error', () => this.#lost());
      socket.on('close', () => this.#lost());
    }
  }

  #answer(answer: Buffer): void {
    if (this.#isDeaf) return;
    if (this.#cut === null) this.#client.write(answer);
    else if (this.#cut === 'held') this.#kept.push(answer);
    else if (this.#cut === 'after') this.#client.write(answer, () => this.end());
    else if (this.#cut === 'answer') this.end();
  }

  #begin(sent: Buffer, { cut, at }: Found): void {
    this.#cut = cut;
    if (cut === 'late') {
      this.#lateMessage = sent;
      this.#client.destroy();
      return;
    }
    if (cut === 'before' || cut === 'half') {
      const end = cut === 'before' ? at : at + Math.ceil((sent.length - at) / 2);
      // What came before it in the same packet is on its way.
      this.#server.write(sent.subarray(0, end), () => this.end());
      return;
    }
    this.#server.write(sent);
    if (cut === 'silence') setTimeout(() => this.end(), silenceMs).unref();
  }

  /** What is late has lost its client only. */
  #lost(): void {
    if (this.#lateMessage === null) this.end();
  }

  deliver(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.once('data', () => {
        this.end();
        resolve();
      });
      this.#server.write(this.#lateMessage as Buffer);
    });
  }

  deafen(): void {
    this.#isDeaf = this.#listens;
  }

  /** Sends on what was kept back. */
  release(): void {
    this.#cut = null;
    for (const answer of this.#kept.splice(0)) this.#client.write(answer);
  }

  end(): void {
    this.#client.destroy();
    this.#server.destroy();
  }
}
