import { SignalboxError } from '../../../index.ts';
import type { DurableActorView } from '../../../inspector/protocol/durable.ts';
import { durableActorView } from '../../../inspector/views/durable/durable-actor-view.ts';
import type { Command } from '../../command.ts';
import { instantText, shortTime, tableOf } from '../../table.ts';
import { treeText } from '../../tree-text.ts';
import { readerOf, storeOption } from './reader.ts';

/** What is known of one durable actor. */
export const actor: Command = {
  name: 'actor',
  argument: { name: 'id', summary: 'id of an actor: order/17' },
  summary: 'show one durable actor: where it is, why, its timers, mail and children, and its history',
  options: [storeOption],
  async run({ id = '', ...given }) {
    const reader = await readerOf(given);
    const view = await durableActorView(reader, id);
    if (view === undefined) throw new SignalboxError('ACTOR_NOT_FOUND', { id });
    return { isGood: true, lines: linesOf(view, reader.now()), json: { ...view } };
  },
};

function linesOf(view: DurableActorView, now: number): readonly string[] {
  const { id, status, verdict, machine, version, state, parent, hidden, output, history } = view;
  return [
    `${id}: ${verdict.text}${/[.!?]$/.test(verdict.text) ? '' : '.'}`,
    verdict.remedy,
    `status     ${status}`,
    `machine    ${machine}, version ${version}`,
    `state      ${state || '-'}`,
    `started    ${instantText(view.startedAt)}`,
    ...(view.finishedAt === null ? [] : [`finished   ${instantText(view.finishedAt)}`]),
    ...(parent === null ? [] : [`parent     ${parent.actor}, as ${parent.child}`]),
    ...(hidden === null
      ? [
          `context    ${treeText(view.context)}`,
          ...(output === null ? [] : [`output     ${treeText(output)}`]),
        ]
      : [`values     ${hidden}`]),
    ...section('Timers', timerTable(view, now)),
    ...section(`Mail: ${view.mail.count}`, mailTable(view)),
    ...section('Children', childTable(view)),
    ...section('History', historyTable(view)),
    ...(view.isCut || view.entries > history.length ? ['Older entries are not shown.'] : []),
  ];
}

function section(title: string, table: readonly string[]): readonly string[] {
  return table.length === 0 ? [] : ['', `${title}:`, ...table];
}

function timerTable({ timers, timerCount }: DurableActorView, now: number): readonly string[] {
  if (timers.length === 0) return [];
  const more = timerCount - timers.length;
  return [
    ...tableOf(
      [
        { title: 'timer', text: ({ words }) => words },
        { title: 'due', text: ({ dueAt }) => instantText(dueAt) },
        { title: 'in', isRight: true, text: ({ dueAt }) => shortTime(Math.max(0, dueAt - now)) },
        { title: 'to', text: ({ to }) => to ?? '-' },
      ],
      timers,
    ),
    ...(more > 0 ? [`${more} more.`] : []),
  ];
}

function mailTable({ mail }: DurableActorView): readonly string[] {
  if (mail.count === 0) return [];
  return tableOf(
    [
      { title: 'event', text: ({ event }) => event ?? 'encrypted' },
      { title: 'from', text: ({ from }) => from?.id ?? '-' },
      { title: 'at', text: ({ at }) => instantText(at) },
    ],
    mail.first,
  );
}

function childTable({ children }: DurableActorView): readonly string[] {
  if (children.length === 0) return [];
  return tableOf(
    [
      { title: 'child', text: ({ id }) => id },
      { title: 'is', text: ({ kind, src }) => `${kind} ${src}` },
      { title: 'id', text: ({ target }) => target },
      {
        title: 'state',
        text: ({ state, ending, at }) => [ending ?? state ?? 'gone', at ?? ''].join(' ').trim(),
      },
    ],
    children,
  );
}

function historyTable({ history }: DurableActorView): readonly string[] {
  return tableOf(
    [
      { title: 'seq', isRight: true, text: ({ seq }) => `${seq}` },
      { title: 'at', text: ({ at }) => instantText(at) },
      { title: 'after', isRight: true, text: ({ afterMs }) => shortTime(afterMs) },
      { title: 'event', text: ({ words }) => words },
      { title: 'then', text: ({ from, to }) => (from === to ? 'stays' : to === '' ? '-' : (to ?? 'gone')) },
      { title: 'by', text: ({ by }) => by },
      { title: 'carried', text: ({ arg }) => (arg === null ? '' : treeText(arg)) },
    ],
    history,
  );
}
