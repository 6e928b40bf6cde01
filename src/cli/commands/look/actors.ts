import type { DurableRow } from '../../../inspector/protocol/durable.ts';
import { durableStatuses, durableView } from '../../../inspector/views/durable/durable-view.ts';
import { type Command, UsageError } from '../../command.ts';
import { instantText, tableOf } from '../../table.ts';
import { readerOf, storeOption } from './reader.ts';

/** The durable actors. */
export const actors: Command = {
  name: 'actors',
  summary: 'list durable actors, in order of id: where each is, and its next timer',
  options: [
    storeOption,
    { flags: '--machine <name>', summary: 'actors of one machine' },
    { flags: '--status <status>', summary: durableStatuses.join(', ') },
    { flags: '--state <path>', summary: 'in this state, or in one below it: shipping.parcel' },
    { flags: '--limit <number>', summary: 'how many at most (default: 50, at most 200)' },
    { flags: '--after <id>', summary: 'the page after the one that named this id' },
  ],
  async run({ machine, status, state, limit = '50', after, ...given }) {
    const most = Number(limit);
    if (!Number.isInteger(most) || most < 1 || most > 200)
      throw new UsageError(`Expected --limit to be a whole number from 1 to 200, got ${limit}.`);
    const wanted = durableStatuses.find((each) => each === status);
    if (status !== undefined && wanted === undefined)
      throw new UsageError(`Expected --status to be ${durableStatuses.join(', ')}, got ${status}.`);
    const view = await durableView(await readerOf(given), {
      limit: most,
      ...(machine !== undefined && { machine }),
      ...(wanted !== undefined && { status: wanted }),
      ...(state !== undefined && { state }),
      ...(after !== undefined && { after }),
    });
    const counts = view.machines.map(({ machine: name, n }) => `${n} ${name}`).join(', ');
    const more = view.next === null ? [] : [`More: --after ${view.next}`];
    return {
      isGood: true,
      lines: [counts === '' ? 'There is no actor.' : `${counts}.`, ...tableOfRows(view.rows), ...more],
      json: { ...view },
    };
  },
};

function tableOfRows(rows: readonly DurableRow[]): readonly string[] {
  if (rows.length === 0) return [];
  return tableOf(
    [
      { title: 'actor', text: ({ id }) => id },
      { title: 'version', text: ({ version }) => version },
      { title: 'status', text: ({ status }) => status },
      { title: 'state', text: ({ state }) => state || '-' },
      { title: 'timer', text: ({ timer }) => instantText(timer?.dueAt ?? null) },
      { title: 'children', isRight: true, text: ({ children }) => `${children}` },
      { title: 'started', text: ({ startedAt }) => instantText(startedAt) },
      { title: 'why', text: ({ why }) => why ?? '' },
    ],
    rows,
  );
}
