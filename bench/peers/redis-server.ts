import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A Redis of this run, on a Unix socket. */
export interface RedisServer {
  readonly socket: string;
  stop(): Promise<void>;
}

/**
 * Does something while a Redis of its own runs, which keeps its files in that folder. Without a redis-server in the PATH
 * it is done all the same, with null, and people are told how to get one.
 */
export async function withRedis<Result>(
  folder: string,
  work: (redis: RedisServer | null) => Promise<Result>,
): Promise<Result> {
  if (redisVersion() === null) {
    console.error(
      'There is no redis-server in the PATH, so BullMQ is left out (null). Install one: apt-get install redis-server, or brew install redis.',
    );
    return work(null);
  }
  const redis = await startRedis(folder);
  try {
    return await work(redis);
  } finally {
    await redis.stop();
  }
}

/** The version of the redis-server in the PATH, or null when there is none. */
export function redisVersion(): string | null {
  const { stdout, status } = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
  return status === 0 ? (/v=(\S+)/.exec(stdout)?.[1] ?? 'of an unknown version') : null;
}

/** Starts a redis-server as BullMQ advises for production: an append-only file synced every second, no eviction. */
async function startRedis(dir: string): Promise<RedisServer> {
  // A socket's path may have 107 characters at most, which the folder of a repository can exceed.
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
  // Also when the command is interrupted.
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
      throw new Error('Expected redis-server to answer within 5 s, got no answer.');
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
