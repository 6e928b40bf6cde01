import { inspect } from 'node:util';
import { type Check, missOf } from './measures/check.ts';

interface Suite {
  run(options: object): Promise<Record<string, unknown>>;
  /** What the figures must reach. A suite without it only tells. */
  checks?(figures: Record<string, unknown>): readonly Check[];
}

const [name, options] = process.argv.slice(2) as [string, string];
const { json, ...told }: { json: boolean } = JSON.parse(options);
const suite: Suite = await import(`./${name}.ts`);
const figures = await suite.run(told);
const checks = suite.checks?.(figures) ?? [];

if (json) {
  console.log(JSON.stringify(figures));
} else {
  console.table(Object.fromEntries(Object.entries(figures).map(([key, figure]) => [key, cells(figure)])));
}
for (const miss of checks.map(missOf)) {
  if (miss === null) continue;
  console.error(`missed: ${miss}`);
  process.exitCode = 1;
}

/** A figure with parts becomes a row of them, any other figure one cell. */
function cells(figure: unknown): Record<string, unknown> {
  if (typeof figure === 'number') return { figure: Number(figure.toPrecision(4)) };
  const isFlat =
    typeof figure === 'object' &&
    figure !== null &&
    Object.values(figure).every((part) => typeof part !== 'object' || part === null);
  if (isFlat) return figure as Record<string, unknown>;
  return {
    figure: typeof figure === 'object' ? inspect(figure, { breakLength: Infinity, depth: 5 }) : figure,
  };
}
