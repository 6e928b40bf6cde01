import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const example = join(root, 'examples', 'next');
// Below this repository, where `signalbox` means this package.
const folder = mkdtempSync(join(import.meta.dirname, '.next-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/**
 * A server as Next makes one of these files, without Next, whose packages take some hundred megabytes: `register` once, in the
 * runtime that it names, then the exports of a route by the method of a request. Each of the two has its own copy of the modules.
 */
const server = `
  const { register } = await import('./hook/instrumentation.ts');
  process.env.NEXT_RUNTIME = 'edge';
  await register();
  console.log(JSON.stringify({ atEdge: globalThis.signalboxJobs === undefined }));
  process.env.NEXT_RUNTIME = 'nodejs';
  await register();
  const route = await import('./routes/app/reports/route.ts');
  const config = (await import('./hook/next.config.ts')).default;
  console.log(JSON.stringify({ methods: Object.keys(route).sort(), external: config.serverExternalPackages }));
  const ask = (method, query, body, headers = {}) =>
    route[method](new Request('http://localhost/reports' + query, { method, body, headers }));
  const said = async (response) => ({ status: response.status, where: response.headers.get('location'), ...(await response.json()) });
  const put = (key) => ask('POST', '', JSON.stringify({ title: 'sales', steps: 2 }), { 'idempotency-key': key });
  console.log(JSON.stringify([await said(await put('a')), await said(await put('a'))]));
  for (;;) {
    await new Promise((resolve) => setImmediate(resolve));
    const report = await said(await ask('GET', '?id=a'));
    if (report.status === 'COMPLETED') { console.log(JSON.stringify(report)); break; }
  }
  const wrong = [await ask('POST', '', 'no JSON'), await ask('POST', '', '{}'), await ask('GET', '?id=none'), await put('not an id')];
  console.log(JSON.stringify(wrong.map(({ status }) => status)));
  await put('long');
  process.kill(process.pid, 'SIGTERM');
`;

it('The routes of the Next.js example put and show reports on the box of its instrumentation, which a signal stops', {
  timeout: 60_000,
}, async () => {
  const tsx = pathToFileURL(join(root, 'node_modules', 'tsx', 'dist', 'loader.mjs')).href;
  for (const copy of ['hook', 'routes']) cpSync(example, join(folder, copy), { recursive: true });
  const program = server.replaceAll(
    /import\('\.\/([^']*)'\)/g,
    (_all, file) => `import(${JSON.stringify(pathToFileURL(join(folder, file)).href)})`,
  );
  const args = ['--conditions', 'signalbox-source', '--import', tsx, '--input-type=module', '-e', program];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);

  const [edge, shape, puts, done, wrong] = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect([err, code]).toEqual(['', 0]);
  expect(edge).toEqual({ atEdge: true });
  expect(shape).toEqual({ methods: ['GET', 'POST'], external: ['signalbox'] });
  expect(puts).toMatchObject([
    { id: 'a', where: '/reports?id=a' },
    { id: 'a', where: '/reports?id=a' },
  ]);
  expect(done).toMatchObject({
    progress: { done: 2, of: 2 },
    outcome: { ok: true, value: 'sales: 2 steps' },
  });
  expect(wrong).toEqual([400, 400, 404, 400]);
});
