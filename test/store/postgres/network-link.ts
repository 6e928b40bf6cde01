import { spawnSync } from 'node:child_process';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** The network between one host and its server. */
export interface NetworkLink {
  /** How it is made, for people. */
  readonly kind: 'network namespace' | 'relay';
  /** The URL of the server at this end. */
  readonly url: string;
  /** The command that runs a program at this end, before the program's own. */
  readonly prefix: readonly string[];
  /** From now on nothing gets through, and no connection ends because of it. */
  down(): void;
  up(): void;
  close(): Promise<void>;
}

/** A host of its own behind a virtual link where the machine allows that; else a relay that can stop forwarding. */
export async function openNetworkLink(url: string): Promise<NetworkLink> {
  const relay = await Relay.to(url);
  const name = `sb${process.pid}`;
  const why = makeNamespace(name);
  if (why !== null) {
    console.warn(`a relay replaces a network of its own: ${why}`);
    return {
      kind: 'relay',
      url: relay.urlAt('127.0.0.1'),
      prefix: [],
      down: () => relay.hold(),
      up: () => relay.goOn(),
      close: () => relay.close(),
    };
  }
  return {
    kind: 'network namespace',
    url: relay.urlAt(addressOf(1)),
    prefix: ['ip', 'netns', 'exec', name],
    down: () => void ip('link', 'set', `${name}a`, 'down'),
    up: () => void ip('link', 'set', `${name}a`, 'up'),
    async close() {
      removeNamespace(name);
      await relay.close();
    },
  };
}

// From a range for private networks, one network for each process that tests.
function addressOf(end: 1 | 2): string {
  return `10.217.${process.pid % 250}.${end}`;
}

/** Returns the reason why there is no network. */
function makeNamespace(name: string): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'it takes root on Linux';
  const why =
    ip('netns', 'add', name) ??
    ip('link', 'add', `${name}a`, 'type', 'veth', 'peer', 'name', `${name}b`) ??
    ip('link', 'set', `${name}b`, 'netns', name) ??
    ip('addr', 'add', `${addressOf(1)}/24`, 'dev', `${name}a`) ??
    ip('link', 'set', `${name}a`, 'up') ??
    ip('netns', 'exec', name, 'ip', 'addr', 'add', `${addressOf(2)}/24`, 'dev', `${name}b`) ??
    ip('netns', 'exec', name, 'ip', 'link', 'set', `${name}b`, 'up');
  if (why !== null) removeNamespace(name);
  return why;
}

function removeNamespace(name: string): void {
  ip('link', 'del', `${name}a`);
  ip('netns', 'del', name);
}

function ip(...args: readonly string[]): string | null {
  const { status, stderr, error } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status === 0) return null;
  return `ip ${args.join(' ')}: ${error?.message ?? stderr.trim()}`;
}

/** Carries connections to a server, on all addresses of this machine. */
class Relay {
  readonly #target: URL;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isHeld = false;

  private constructor(target: URL) {
    this.#target = target;
    this.#server = createServer({ noDelay: true }, (client) => {
      const server = connect(Number(target.port || 5432), target.hostname);
      server.setNoDelay(true);
      client.pipe(server);
      server.pipe(client);
      for (const socket of [client, server]) {
        this.#sockets.add(socket);
        if (this.#isHeld) socket.pause();
        socket.on('error', () => {});
        socket.on('close', () => {
          this.#sockets.delete(socket);
          client.destroy();
          server.destroy();
        });
      }
    });
  }

  static async to(url: string): Promise<Relay> {
    const relay = new Relay(new URL(url));
    await new Promise<void>((resolve) => relay.#server.listen(0, '0.0.0.0', () => resolve()));
    return relay;
  }

  urlAt(host: string): string {
    const url = new URL(this.#target);
    const address = this.#server.address();
    url.hostname = host;
    url.port = String(typeof address === 'object' ? address?.port : '');
    return url.href;
  }

  hold(): void {
    this.#isHeld = true;
    for (const socket of this.#sockets) socket.pause();
  }

  goOn(): void {
    this.#isHeld = false;
    for (const socket of this.#sockets) socket.resume();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }
}
