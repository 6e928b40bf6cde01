import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { install } from '../../.ci/prepare.mjs';

/** Packages that load a compiled addon when their constructor is called. */
export const withAddon = ['better-sqlite3', 'better-sqlite3-12'];

/** Installs the peers and builds missing addons. Reports what is not available; the suites leave it out. */
export async function preparePeers(packages) {
  try {
    install('bench/peers');
  } catch (error) {
    console.error(`${error.message} Peers that cannot be loaded are left out (null).`);
  }
  await buildAddons(import.meta.dirname, packages);
}

/**
 * Builds the addons of a folder's packages that do not load. Addons that load are kept, so none is built
 * twice.
 */
async function buildAddons(folder, packages) {
  const missing = packages.filter(
    (name) => existsSync(join(folder, 'node_modules', name)) && !loads(folder, name),
  );
  if (missing.length > 0)
    console.error(
      `Building ${missing.join(', ')}, which takes some minutes if there is no prebuilt binary …`,
    );
  await Promise.all(missing.map((name) => build(folder, name)));
}

// In its own process: an addon for another Node version, which may end the process, only counts as missing.
function loads(folder, name) {
  const { status } = spawnSync(process.execPath, ['-e', `new (require('${name}'))(':memory:')`], {
    cwd: folder,
    stdio: 'ignore',
  });
  return status === 0;
}

// npm passes the settings of the repository to the commands it runs, and these settings forbid package scripts.
function build(folder, name) {
  return new Promise((resolve) => {
    const args = ['rebuild', name, '--ignore-scripts=false'];
    const npm = spawn('npm', args, { cwd: folder, stdio: ['ignore', 2, 2] });
    npm.on('error', (error) => {
      console.error(`npm cannot be run: ${error.message}`);
      resolve();
    });
    npm.on('close', resolve);
  });
}
