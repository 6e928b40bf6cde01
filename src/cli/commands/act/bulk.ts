import type { BulkAction, BulkFilter, BulkOptions, BulkResult } from '../../../index.ts';
import { type Command, UsageError } from '../../command.ts';
import { filterOf, filterOptions } from '../filter-options.ts';
import { acting, actingOptions } from './open-store.ts';

const actions: readonly BulkAction[] = ['cancel', 'retry', 'remove', 'setPriority'];

/** Does something to many jobs. */
export const bulk: Command = {
  name: 'bulk',
  argument: { name: 'action', summary: actions.join(', ') },
  summary: 'do something to all jobs that a filter finds; what it would do is counted first',
  options: [
    ...filterOptions,
    { flags: '--all', summary: 'all jobs: cancel and remove do nothing without a filter otherwise' },
    { flags: '--priority <priority>', summary: 'of setPriority: -9 to 9, high, normal or low' },
    { flags: '--limit <number>', summary: 'the newest so many only' },
    { flags: '--dry-run', summary: 'count only' },
    { flags: '--yes', summary: 'do it; without it nothing is changed' },
    ...actingOptions,
  ],
  async run({ action: name = '', ...given }, tell) {
    const action = actions.find((known) => known === name);
    if (action === undefined) throw new UsageError(`Expected ${actions.join(', ')}, got ${name}.`);
    const { all, priority, limit, yes, dryRun, reason } = given as Readonly<Record<string, string | boolean>>;
    const filter: BulkFilter = { ...filterOf(given), ...(all === true && { all: true as const }) };
    // In this process: no other has to run.
    const options: BulkOptions = {
      queue: null,
      ...(priority !== undefined && { priority: priorityOf(String(priority)) }),
      ...(limit !== undefined && { limit: Number(limit) }),
      ...(reason !== undefined && { reason: String(reason) }),
    };
    return acting(given, async (operator, box) => {
      const counted = await (await box.bulk(action, filter, { ...options, dryRun: true })).result();
      const would = `${action}: ${textOf(counted)}`;
      if (dryRun === true || yes !== true) {
        const more = dryRun === true ? [] : ['Nothing was changed: add --yes to do it.'];
        return {
          isGood: true,
          lines: [`Would ${would}`, ...more],
          json: { ...counted, action, dryRun: true },
        };
      }
      tell(`Would ${would}`);
      const { reason: _said, ...rest } = options;
      const result = await (await operator.bulk(action, filter, rest)).result();
      const isGood = result.matched === result.done + result.skipped;
      return {
        isGood,
        lines: [
          `Done ${action}: ${textOf(result)}`,
          ...result.failed.map(({ id, code }) => `  ${id}  ${code}`),
        ],
        json: { ...result, action, dryRun: false },
      };
    });
  },
};

function priorityOf(text: string): NonNullable<BulkOptions['priority']> {
  return (/^-?\d+$/.test(text) ? Number(text) : text) as NonNullable<BulkOptions['priority']>;
}

function textOf({ matched, done, skipped }: BulkResult): string {
  return `${matched} found, ${done} done, ${skipped} skipped, ${matched - done - skipped} failed.`;
}
