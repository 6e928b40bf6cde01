import { SignalboxError } from '../../../index.ts';
import type { AttemptView, HistoryLine, JobView } from '../../../inspector/protocol/job.ts';
import { jobHistory, jobView } from '../../../inspector/views/job/job-view.ts';
import type { Command } from '../../command.ts';
import { instantText, shortTime, tableOf } from '../../table.ts';
import { treeText } from '../../tree-text.ts';
import { linesOf } from './explain.ts';
import { readerOf, storeOption } from './reader.ts';

const argument = { name: 'id', summary: 'id of a job' };

/** What is known of one job. */
export const job: Command = {
  name: 'job',
  argument,
  summary: 'show one job: where it is, why, its attempts and its data',
  options: [storeOption],
  async run({ id = '', ...given }) {
    const view = await jobView(await readerOf(given), id);
    if (view === undefined) throw new SignalboxError('JOB_NOT_FOUND', { id });
    return { isGood: true, lines: jobLines(view), json: { ...view } };
  },
};

/** What happened to one job. */
export const history: Command = {
  name: 'history',
  argument,
  summary: 'list what happened to one job, oldest first',
  options: [storeOption],
  async run({ id = '', ...given }) {
    const view = await jobHistory(await readerOf(given), id);
    if (view === undefined) throw new SignalboxError('JOB_NOT_FOUND', { id });
    const older = view.before !== null || view.isCut ? ['Older entries are not shown.'] : [];
    return { isGood: true, lines: [...historyTable(view.lines), ...older], json: { ...view } };
  },
};

function jobLines(view: JobView): readonly string[] {
  const { agent, queue, ending, tries, args, outcome } = view;
  const place = [
    ...(queue === null ? [] : [`queue '${queue}'`]),
    ...(agent === null ? [] : [`agent '${agent.name}' of ${agent.dispatcher}`]),
  ];
  return [
    ...linesOf(view.explanation),
    `ending     ${ending ?? '-'}`,
    `place      ${place.join(', ') || '-'}`,
    `put        ${instantText(view.putAt)}`,
    `in all     ${shortTime(view.totalMs)}`,
    ...(view.progress === null ? [] : [`progress   ${progressText(view.progress)}`]),
    ...(view.hidden === null
      ? [`arguments  ${args.map(treeText).join(', ') || '-'}`, `outcome    ${outcomeText(outcome)}`]
      : [`values     ${view.hidden}`]),
    ...(tries.length === 0 ? [] : ['', ...attemptTable(tries)]),
  ];
}

const barLength = 20;

function progressText({ done, total, note, at }: NonNullable<JobView['progress']>): string {
  const share = total === null || total === 0 ? null : Math.min(1, done / total);
  const full = Math.round((share ?? 0) * barLength);
  const bar = share === null ? '' : `[${'#'.repeat(full)}${'.'.repeat(barLength - full)}] `;
  const percent = share === null ? '' : ` (${Math.floor(share * 100)} %)`;
  const of = total === null ? '' : ` of ${total}`;
  return `${bar}${done}${of}${percent}${note === null ? '' : `, ${note}`}, at ${instantText(at)}`;
}

function outcomeText(outcome: JobView['outcome']): string {
  if (outcome === null) return '-';
  if (outcome.ok) return treeText(outcome.value);
  const { name, message, frames } = outcome.failure;
  const place = frames.find(({ isOwn }) => isOwn)?.place;
  return `${name}: ${message}${place == null ? '' : ` at ${place}`}`;
}

function attemptTable(tries: readonly AttemptView[]): readonly string[] {
  return tableOf(
    [
      { title: 'attempt', isRight: true, text: ({ n }) => `${n}` },
      { title: 'held', isRight: true, text: ({ heldMs }) => shortTime(heldMs) },
      { title: 'waited', isRight: true, text: ({ waitMs }) => shortTime(waitMs) },
      { title: 'ran', isRight: true, text: ({ runMs }) => shortTime(runMs) },
      { title: 'ended', text: ({ ending }) => ending ?? 'runs' },
      { title: 'error', text: ({ failure }) => failure?.message ?? '' },
    ],
    tries,
  );
}

function historyTable(lines: readonly HistoryLine[]): readonly string[] {
  return tableOf(
    [
      { title: 'seq', isRight: true, text: ({ seq }) => `${seq}` },
      { title: 'at', text: ({ at }) => instantText(at) },
      { title: 'after', isRight: true, text: ({ afterMs }) => shortTime(afterMs) },
      { title: 'event', text: ({ event }) => event },
      { title: 'then', text: ({ from, to, ending }) => ending ?? (from === to ? 'stays' : (to ?? '-')) },
      { title: 'by', text: ({ by }) => by },
      { title: 'note', text: ({ note }) => note ?? '' },
    ],
    lines,
  );
}
