import type { Count } from '../../../inspector/protocol/answer.ts';
import type { JobListName } from '../../../inspector/protocol/jobs.ts';
import { jobsView } from '../../../inspector/views/jobs/jobs-view.ts';
import { type Command, UsageError } from '../../command.ts';
import { shortTime, tableOf } from '../../table.ts';
import { readerOf, storeOption } from './reader.ts';

const lists: readonly JobListName[] = ['waiting', 'held', 'failed', 'ended', 'unplaced', 'quarantined'];

/** One list of jobs. */
export const jobs: Command = {
  name: 'jobs',
  summary: 'list jobs: waiting ones in the order of claims, the others newest first',
  options: [
    storeOption,
    { flags: '--list <list>', summary: `${lists.join(', ')} (default: waiting)` },
    { flags: '--queue <queue>', summary: 'jobs of one queue' },
    { flags: '--filter <words>', summary: "such as 'task:mail.* error:timeout tries:>2'" },
    { flags: '--limit <number>', summary: 'how many at most (default: 50, at most 200)' },
    { flags: '--after <cursor>', summary: 'the page after the one that named this cursor' },
  ],
  async run({ list = 'waiting', queue, filter, limit = '50', after, ...given }) {
    const wanted = lists.find((name) => name === list);
    if (wanted === undefined) throw new UsageError(`Expected --list to be ${lists.join(', ')}, got ${list}.`);
    const most = Number(limit);
    if (!Number.isInteger(most) || most < 1 || most > 200)
      throw new UsageError(`Expected --limit to be a whole number from 1 to 200, got ${limit}.`);
    const page = await jobsView(await readerOf(given), {
      list: wanted,
      limit: most,
      ...(queue !== undefined && { queue }),
      ...(filter !== undefined && { text: filter }),
      ...(after !== undefined && { after }),
    });
    if (page.unknown.length > 0)
      throw new UsageError(`Expected a filter of known words, got ${page.unknown.join(' ')}.`);
    const counts = Object.entries(page.counts).map(([name, count]) => `${countText(count)} ${name}`);
    const more = page.next === null ? [] : [`More: --after ${page.next}`];
    return {
      isGood: true,
      lines: [
        `${counts.join(', ')}.`,
        ...tableOf(
          [
            { title: 'id', text: ({ id }) => id },
            { title: 'name', text: ({ name }) => name },
            { title: 'status', text: ({ ending, status }) => ending ?? status },
            { title: 'queue', text: (row) => row.queue ?? '-' },
            { title: 'tries', isRight: true, text: ({ attempts }) => `${attempts}` },
            { title: 'in all', isRight: true, text: ({ totalMs }) => shortTime(totalMs) },
            { title: 'why', text: ({ why }) => why ?? '' },
          ],
          page.rows,
        ),
        ...more,
      ],
      json: { ...page },
    };
  },
};

/** `12` or, of a count that was not finished, `10000+`. */
export function countText({ n, more }: Count): string {
  return `${n}${more ? '+' : ''}`;
}
