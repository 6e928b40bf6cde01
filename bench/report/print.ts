import type { Check } from '../measures/check.ts';
import { boundText, partsOf, rounded } from './figures.ts';
import { hostText } from './host.ts';

/** Prints the figures of a suite, with the bounds that some of them have. */
export function print(figures: object, checks: readonly Check[]): void {
  const { single, tables, facts } = partsOf(figures);
  for (const rows of tables) {
    console.table(
      Object.fromEntries(
        Object.entries(rows).map(([name, row]) => [
          name,
          Object.fromEntries(Object.entries(row ?? {}).map(([key, figure]) => [key, cell(figure)])),
        ]),
      ),
    );
  }
  console.table(
    Object.fromEntries(
      Object.entries(single).map(([name, figure]) => {
        const check = checks.find((one) => one.figure === name);
        return [name, { figure: cell(figure), ...(check === undefined ? {} : boundOf(check)) }];
      }),
    ),
  );
  console.log(hostText());
  for (const [name, fact] of Object.entries(facts)) console.log(`${name}: ${fact}`);
}

// A table shows a number without the quotes of a string.
function cell(figure: number | null): number | null {
  return figure === null ? null : rounded(figure);
}

function boundOf(check: Check): { bound: string; goal?: number } {
  const bound = boundText(check);
  return check.goal === undefined ? { bound } : { bound, goal: check.goal };
}
