import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root folder, whatever the working directory is. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Installs the dependencies of a folder when its node_modules does not hold what its package-lock.json asks for. */
export function install(folder = '.') {
  if (isInstalled(folder)) return;
  run(`Installing dependencies${folder === '.' ? '' : ` of ${folder}`}`, 'npm', ['ci'], folder);
}

/**
 * Makes this repository what `signalbox` means in a folder with a package.json of its own. The links lead to parts of the
 * repository: tools that walk folders would walk in circles through a link to all of it.
 */
export function linkPackage(folder) {
  const place = join(root, folder, 'node_modules', 'signalbox');
  mkdirSync(place, { recursive: true });
  copyFileSync(join(root, 'package.json'), join(place, 'package.json'));
  try {
    symlinkSync(join(root, 'dist'), join(place, 'dist'), 'junction');
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
}

/** Builds dist when it is missing or older than its sources. */
export function build() {
  if (isBuilt()) return;
  run('Building dist', process.execPath, [join(root, '.ci', 'build.mjs')]);
}

/** Compiles a folder that has a tsconfig.json of its own. Through tsx a program starts in three times the time. */
export function compile(folder) {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  run(`Compiling ${folder}`, process.execPath, [tsc, '-p', folder]);
}

function isInstalled(folder) {
  // npm keeps a copy of the lock file in node_modules; platform packages of other systems are not in it.
  const installed = packagesIn(join(folder, 'node_modules/.package-lock.json'));
  return Object.entries(packagesIn(join(folder, 'package-lock.json'))).every(
    ([path, { version, optional }]) => {
      if (path === '') return true;
      return installed[path] === undefined ? optional === true : installed[path].version === version;
    },
  );
}

function packagesIn(lockFile) {
  const path = join(root, lockFile);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : {};
}

function isBuilt() {
  const builtAt = changedAt(join(root, 'dist'));
  return ['src', 'machines', 'tsconfig.json'].every((path) => newest(join(root, path)) < builtAt);
}

// Folders count as well, because a deleted file changes only the folder it was in.
function newest(path) {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const inside = isFolder ? readdirSync(path).map((name) => newest(join(path, name))) : [];
  return Math.max(changedAt(path), ...inside);
}

function changedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

// Standard output belongs to the command that asked, so all of this goes to standard error.
function run(what, command, args, folder = '.') {
  console.error(`${what} …`);
  const { status, error } = spawnSync(command, args, { cwd: join(root, folder), stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`${what} failed.`, { cause: error });
}
