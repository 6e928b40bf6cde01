import type { OverviewView, QueueRow, TextPart } from '../../../inspector/protocol/overview.ts';
import { overviewView } from '../../../inspector/views/overview/overview-view.ts';
import type { Command } from '../../command.ts';
import { instantText, shortTime, tableOf } from '../../table.ts';
import { countText } from './jobs.ts';
import { readerOf, storeOption } from './reader.ts';

/** Whether anything is wrong, and where to look. */
export const status: Command = {
  name: 'status',
  summary: 'say what needs attention, and how much waits, runs and fails',
  options: [storeOption],
  async run(given) {
    const reader = await readerOf(given);
    const [view, position] = [await overviewView(reader), await reader.position()];
    const moment = `The store as it was at ${instantText(position.at)}, entry ${position.seq}.`;
    return { isGood: true, lines: [moment, ...statusLines(view)], json: { ...position, ...view } };
  },
};

/** The queues. */
export const queues: Command = {
  name: 'queues',
  summary: 'list the queues with what waits, is held, and who takes it',
  options: [storeOption],
  async run(given) {
    const view = await overviewView(await readerOf(given));
    return { isGood: true, lines: queueTable(view.queues), json: { queues: view.queues } };
  },
};

function statusLines({
  attention,
  waiting,
  slots,
  queues: rows,
  dispatchers,
}: OverviewView): readonly string[] {
  const oldest = waiting.oldestMs === null ? '' : `, the oldest for ${shortTime(waiting.oldestMs)}`;
  return [
    attention.length === 0 ? 'Nothing needs attention.' : `Needs attention: ${attention.length}`,
    ...attention.flatMap(({ title, text }) => [`  ${sentence(title)}`, `    ${sentence(text)}`]),
    `${countText(waiting.count)} wait${oldest}. ${slots.held} of ${slots.size} slots are held.`,
    '',
    ...queueTable(rows),
    '',
    ...tableOf(
      [
        { title: 'dispatcher', text: ({ uuid }) => uuid },
        { title: 'state', text: ({ state }) => state },
        { title: 'last sign of life', text: ({ lastSignAt }) => instantText(lastSignAt) },
        { title: 'held', isRight: true, text: ({ held }) => `${held}` },
      ],
      dispatchers,
    ),
  ];
}

function queueTable(rows: readonly QueueRow[]): readonly string[] {
  return tableOf(
    [
      { title: 'queue', text: ({ name }) => `'${name}'` },
      { title: 'waiting', isRight: true, text: ({ waiting }) => countText(waiting) },
      { title: 'held', isRight: true, text: ({ held }) => `${held}` },
      { title: 'oldest', isRight: true, text: ({ oldestMs }) => shortTime(oldestMs) },
      {
        title: 'quotas',
        text: ({ quotas }) => quotas.map(({ name, taken, size }) => `${name} ${taken}/${size}`).join(', '),
      },
      {
        title: 'agents',
        text: ({ agents }) =>
          agents
            .map(
              ({ name, held, size, state }) =>
                `${name} ${held}/${size}${state === 'at work' ? '' : ` ${state}`}`,
            )
            .join(', '),
      },
    ],
    rows,
  );
}

function sentence(parts: readonly TextPart[]): string {
  return parts.map((part) => (typeof part === 'string' ? part : part.name)).join('');
}
