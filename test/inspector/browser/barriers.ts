import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

/** The code that looks for barriers: evaluated in a page first. */
export const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Which rules are asked. */
type Rules = { readonly type: 'tag' | 'rule'; readonly values: readonly string[] };
const allRules: Rules = { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] };
/** What a change of colours alone can break. */
export const colourRules: Rules = { type: 'rule', values: ['color-contrast', 'link-in-text-block'] };

/** What axe finds: the rule, and where. */
export async function barriersOf(page: Page, rules = allRules): Promise<readonly string[]> {
  return page.evaluate(async (runOnly) => {
    const { axe: found } = globalThis as unknown as {
      readonly axe: {
        run(options: object): Promise<{
          readonly violations: readonly {
            readonly id: string;
            readonly nodes: readonly { readonly html: string }[];
          }[];
        }>;
      };
    };
    const { violations } = await found.run({ runOnly, resultTypes: ['violations'] });
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
  }, rules);
}
