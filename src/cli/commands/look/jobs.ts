import type { StoreReader } from '../../../index.ts';
import type { Count } from '../../../inspector/protocol/answer.ts';
import type { JobListName, JobRow } from '../../../inspector/protocol/jobs.ts';
import { foundView } from '../../../inspector/views/jobs/found-view.ts';
import { jobsView } from '../../../inspector/views/jobs/jobs-view.ts';
import { type Command, type CommandResult, UsageError } from '../../command.ts';
import { shortTime, tableOf } from '../../table.ts';
import { filterOf, filterOptions } from '../filter-options.ts';
import { readerOf, storeOption } from './reader.ts';

const lists: readonly JobListName[] = ['waiting', 'held', 'failed', 'ended', 'unplaced', 'quarantined'];

/** One list of jobs, or those that a filter finds. */
export const jobs: Command = {
  name: 'jobs',
  summary:
    'list jobs: waiting ones in the order of claims, the others newest first; or find jobs, newest first',
  options: [
    storeOption,
    { flags: '--list <list>', summary: `${lists.join(', ')} (default: waiting)` },
    { flags: '--filter <words>', summary: "of a list: 'task:mail.* error:timeout tries:>2'" },
    ...filterOptions,
    { flags: '--limit <number>', summary: 'how many at most (default: 50, at most 200)' },
    { flags: '--after <cursor>', summary: 'the page after the one that named this cursor' },
  ],
  async run({ limit = '50', after, ...given }) {
    const most = Number(limit);
    if (!Number.isInteger(most) || most < 1 || most > 200)
      throw new UsageError(`Expected --limit to be a whole number from 1 to 200, got ${limit}.`);
    const page = { limit: most, ...(after !== undefined && { after }) };
    const reader = await readerOf(given);
    const { queue: _queue, ...more } = filterOf(given) ?? {};
    return Object.keys(more).length > 0 ? found(reader, given, page) : listed(reader, given, page);
  },
};

interface Page {
  readonly limit: number;
  readonly after?: string;
}

type Given = Readonly<Record<string, string>>;

async function listed(
  reader: StoreReader,
  { list = 'waiting', queue, filter }: Given,
  page: Page,
): Promise<CommandResult> {
  const wanted = lists.find((name) => name === list);
  if (wanted === undefined) throw new UsageError(`Expected --list to be ${lists.join(', ')}, got ${list}.`);
  const view = await jobsView(reader, {
    ...{ ...page, list: wanted },
    ...(queue !== undefined && { queue }),
    ...(filter !== undefined && { text: filter }),
  });
  if (view.unknown.length > 0)
    throw new UsageError(`Expected a filter of known words, got ${view.unknown.join(' ')}.`);
  const counts = Object.entries(view.counts).map(([name, count]) => `${countText(count)} ${name}`);
  return { isGood: true, lines: [`${counts.join(', ')}.`, ...linesOf(view)], json: { ...view } };
}

async function found(reader: StoreReader, given: Given, page: Page): Promise<CommandResult> {
  const { list, filter } = given;
  if (list !== undefined || filter !== undefined)
    throw new UsageError('Expected --list and --filter, or options that find jobs in all lists, got both.');
  const view = await foundView(reader, filterOf(given) ?? {}, page);
  return { isGood: true, lines: linesOf(view), json: { ...view } };
}

function linesOf({
  rows,
  next,
}: {
  readonly rows: readonly JobRow[];
  readonly next: string | null;
}): string[] {
  return [
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
      rows,
    ),
    ...(next === null ? [] : [`More: --after ${next}`]),
  ];
}

/** `12` or, of a count that was not finished, `10000+`. */
export function countText({ n, more }: Count): string {
  return `${n}${more ? '+' : ''}`;
}
