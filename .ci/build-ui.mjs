import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { build } from 'vite';
import { root } from './prepare.mjs';

// Builds the pages of the inspector, and the page of the command line, into folders: node .ci/build-ui.mjs UI HEAT
const [outDir, heatDir] = process.argv.slice(2);

await build({
  configFile: false,
  root: join(root, 'src', 'inspector', 'ui'),
  // Relative, since the pages are served under any path.
  base: './',
  logLevel: 'warn',
  build: {
    outDir,
    emptyOutDir: true,
    target: 'es2022',
    // The policy of the pages allows no data in an address but pictures, and no script in the page.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The build reports the sizes; a test holds them.
    reportCompressedSize: false,
  },
});

// The page that the command line writes, as a module that makes its text.
await build({
  configFile: false,
  root: join(root, 'src', 'inspector', 'ui'),
  logLevel: 'warn',
  build: {
    outDir: heatDir,
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: false,
    rolldownOptions: {
      input: join('coverage', 'heat-page.tsx'),
      preserveEntrySignatures: 'strict',
      output: { entryFileNames: 'heat-page.js', format: 'es' },
    },
    reportCompressedSize: false,
  },
});

// Only compressed: the package is a third as large, and the server unpacks for those who cannot.
for (const file of [join(outDir, 'assets'), heatDir].flatMap(filesIn)) {
  writeFileSync(`${file}.br`, brotliCompressSync(readFileSync(file)));
  rmSync(file);
}

function filesIn(folder) {
  return readdirSync(folder).map((name) => join(folder, name));
}
