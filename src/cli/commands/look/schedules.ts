import type { ScheduleRow } from '../../../inspector/protocol/queues.ts';
import { schedulesView, scheduleView } from '../../../inspector/views/schedules/schedules-view.ts';
import { type Command, UsageError } from '../../command.ts';
import { instantText, tableOf } from '../../table.ts';
import { readerOf, storeOption } from './reader.ts';

/** The schedules. */
export const schedules: Command = {
  name: 'schedules',
  summary: 'list the schedules with their next ticks, or what the last ticks of one became',
  argument: { name: 'schedule', summary: 'a queue, a slash and a name: reports/nightly', isOptional: true },
  options: [storeOption, { flags: '--queue <queue>', summary: 'schedules of one queue' }],
  async run({ schedule, queue = null, ...given }) {
    const reader = await readerOf(given);
    if (schedule === undefined) {
      const view = await schedulesView(reader, queue);
      const more = view.more === 0 ? [] : [`${view.more} more: name a queue with --queue.`];
      return { isGood: true, lines: [...tableOfRows(view.schedules), ...more], json: { ...view } };
    }
    const view = await scheduleView(reader, schedule);
    if (view === undefined)
      throw new UsageError(
        `Expected a queue and a schedule of it, such as reports/nightly, got ${schedule}.`,
      );
    const ticks = tableOf(
      [
        { title: 'tick', text: ({ tick }) => instantText(tick) },
        { title: 'became', text: ({ became }) => became },
        { title: 'job', text: ({ job }) => job ?? '-' },
        { title: 'ended', text: ({ ending }) => ending ?? '-' },
      ],
      view.last,
    );
    const next = view.next.map((tick) => `  ${instantText(tick)}`);
    return {
      isGood: true,
      lines: [...tableOfRows([view]), '', 'Next:', ...next, '', ...ticks],
      json: { ...view },
    };
  },
};

function tableOfRows(rows: readonly ScheduleRow[]): readonly string[] {
  return tableOf(
    [
      { title: 'schedule', text: ({ queue, name }) => `${queue}/${name}` },
      { title: 'when', text: ({ when }) => when },
      { title: 'state', text: ({ state }) => state },
      { title: 'next', text: ({ next }) => next.slice(0, 2).map(instantText).join(', ') || '-' },
      { title: 'job', text: ({ job }) => job },
      { title: 'runs', isRight: true, text: ({ runs }) => `${runs}` },
      { title: 'missed', isRight: true, text: ({ missed }) => `${missed}` },
      { title: 'skipped', isRight: true, text: ({ skipped }) => `${skipped}` },
    ],
    rows,
  );
}
