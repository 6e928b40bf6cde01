import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** The Redis of this run, on a Unix socket. */
export interface RedisServer {
  readonly socket: string;
  stop(): Promise<void>;
}

/** Runs `work` with a Redis that keeps its files in the folder; with null where Redis is not available. */
export async function withRedis<Result>(
  folder: string,
  work: (redis: RedisServer | null) => Promise<Result>,
): Promise<Result> {
  const redis = redisVersion() === null ? null : await startRedis(folder);
  try {
    return await work(redis);
  } finally {
    await redis?.stop();
  }
}

/** Returns why there is no Redis, and the repair. */
export function lackOfRedis(): string {
  return redisVersion() === null
    ? 'Expected a redis-server in the PATH, found none. Install one: apt-get install redis-server, or brew install redis.'
    : 'Expected redis-server to answer within 5 s, got no answer. Run redis-server --port 0 to see why.';
}

/** Returns the version of the redis-server in the PATH, or null when there is none. */
export function redisVersion(): string | null {
  const { stdout, status } = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
  return status === 0 ? (/v=(\S+)/.exec(stdout)?.[1] ?? 'of an unknown version') : null;
}

/**
 * Starts a redis-server as BullMQ advises for production: an append-only file synced every second, no
 * eviction. Null when it does not answer.
 */
async function startRedis(dir: string): Promise<RedisServer | null> {
  // The path of a socket may have at most 107 characters, which a folder of the repository can exceed.
  const place = mkdtempSync(join(tmpdir(), 'signalbox-redis-'));
  const socket = join(place, 'socket');
  const settings = {
    port: '0',
    unixsocket: socket,
    dir,
    appendonly: 'yes',
    appendfsync: 'everysec',
    save: '',
    'maxmemory-policy': 'noeviction',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const server = spawn('redis-server', args, { stdio: 'ignore' });
  const end = () => {
    server.kill('SIGKILL');
    rmSync(place, { recursive: true, force: true });
  };
  // Also runs when the command is interrupted.
  process.once('exit', end);
  const stop = async () => {
    process.off('exit', end);
    const ended = once(server, 'exit');
    const hasEnded = server.exitCode !== null || server.signalCode !== null;
    end();
    if (!hasEnded) await ended;
  };
  for (let attempt = 0; !(await answers(socket)); attempt += 1) {
    if (attempt === 100 || server.exitCode !== null) {
      await stop();
      return null;
    }
    await delay(50);
  }
  return { socket, stop };
}

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket, () => connection.write('PING\r\n'));
    connection.on('error', () => resolve(false));
    connection.on('data', (reply) => {
      connection.destroy();
      resolve(reply.toString().startsWith('+PONG'));
    });
  });
}
