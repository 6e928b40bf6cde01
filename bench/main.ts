import { type Check, missOf } from './measures/check.ts';
import { hostText, warnOfLoad } from './report/host.ts';
import { writePage } from './report/page.ts';
import { print } from './report/print.ts';

interface Suite {
  run(options: object): Promise<Record<string, unknown>>;
  /** The bounds of the figures. A suite without bounds only reports. */
  checks?(figures: Record<string, unknown>): readonly Check[];
}

const [name, options] = process.argv.slice(2) as [string, string];
const { json, write, ...told }: { json: boolean; write: boolean } = JSON.parse(options);
warnOfLoad();
const suite: Suite = await import(`./${name}.ts`);
const figures = await suite.run(told);
const checks = suite.checks?.(figures) ?? [];

if (write) writePage(name, figures, checks);
if (json) console.log(JSON.stringify({ ...figures, host: hostText() }));
else print(figures, checks);
for (const miss of checks.map(missOf)) {
  if (miss === null) continue;
  console.error(`missed: ${miss}`);
  process.exitCode = 1;
}
