import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium as playwright } from 'playwright-core';

// A folder of this checkout: two checkouts that unpack at once must not meet.
const folder = fileURLToPath(new URL('../../../node_modules/.cache/chromium', import.meta.url));

const options = ['--no-sandbox', '--disable-gpu', '--disable-background-networking'];

/**
 * A real Chromium: that of CHROMIUM_BIN, one that is installed, or the one that came with the tools.
 *
 * @throws when there is none: a gate that is skipped is none.
 */
export async function launchChromium(...more: readonly string[]): Promise<Browser> {
  return playwright.launch({ executablePath: await findChromium(), args: [...options, ...more] });
}

/** The path of a Chromium. Unpacks the one that came with the tools, once. */
export async function findChromium(): Promise<string> {
  const { CHROMIUM_BIN } = process.env;
  if (CHROMIUM_BIN !== undefined && CHROMIUM_BIN !== '') return CHROMIUM_BIN;
  const { stdout } = spawnSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' });
  if (stdout.trim() !== '') return stdout.trim();
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error(
      'There is no Chromium. Install one, and name it: CHROMIUM_BIN=/path/to/chromium npm test',
    );
  return unpacked();
}

async function unpacked(): Promise<string> {
  mkdirSync(folder, { recursive: true });
  // Read when the package is loaded: where it unpacks to, and that it brings its libraries and fonts.
  process.env.TMPDIR = folder;
  process.env.AWS_LAMBDA_JS_RUNTIME = 'nodejs20.x';
  const { default: packed } = await import('@sparticuz/chromium');
  const path = await packed.executablePath();
  process.env.FONTCONFIG_PATH = fonts();
  return path;
}

/** Fonts of the package, and of this computer: the package looks in places that it does not unpack to. */
function fonts(): string {
  const place = join(folder, 'fontconfig');
  const file = join(place, 'fonts.conf');
  if (existsSync(file)) return place;
  mkdirSync(place, { recursive: true });
  const prefer = (family: string, ...names: readonly string[]): string =>
    `<alias><family>${family}</family><prefer>${names.map((name) => `<family>${name}</family>`).join('')}</prefer></alias>`;
  const fresh = `${file}.${process.pid}`;
  writeFileSync(
    fresh,
    `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>
<dir>${join(folder, 'fonts')}</dir><dir>/usr/share/fonts</dir><cachedir>${join(folder, 'fonts-cache')}</cachedir>
${prefer('sans-serif', 'Liberation Sans', 'Open Sans', 'DejaVu Sans')}
${prefer('monospace', 'DejaVu Sans Mono', 'Open Sans')}
</fontconfig>`,
  );
  renameSync(fresh, file);
  return place;
}
