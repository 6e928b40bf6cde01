import { inspect } from 'node:util';

interface Suite {
  run(options: { json: boolean; quick: boolean }): Promise<Record<string, unknown>>;
}

const [name, options] = process.argv.slice(2) as [string, string];
const { json, quick }: { json: boolean; quick: boolean } = JSON.parse(options);
const suite: Suite = await import(`./${name}.ts`);
const figures = await suite.run({ json, quick });

if (json) {
  console.log(JSON.stringify(figures));
} else {
  console.table(Object.fromEntries(Object.entries(figures).map(([key, figure]) => [key, cells(figure)])));
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
