import { SignalboxError } from '../../../index.ts';
import type { ExplanationView } from '../../../inspector/protocol/explanation.ts';
import { jobView } from '../../../inspector/views/job/job-view.ts';
import type { Command } from '../../command.ts';
import { readerOf, storeOption } from './reader.ts';

/** Why a job is where it is. */
export const explain: Command = {
  name: 'explain',
  argument: { name: 'id', summary: 'id of a job' },
  summary: 'say why a job is where it is, and what to do',
  options: [storeOption],
  async run({ id = '', ...given }) {
    const view = await jobView(await readerOf(given), id);
    if (view === undefined) throw new SignalboxError('JOB_NOT_FOUND', { id });
    return { isGood: true, lines: linesOf(view.explanation), json: { ...view.explanation } };
  },
};

/** The verdict first, then all that a claim asks. */
export function linesOf(
  { job, name, status, verdict, conditions, unique, because }: ExplanationView,
  indent = '',
): readonly string[] {
  const marks = { true: 'yes', false: 'NO ', null: ' ? ' };
  return [
    `${name} ${job} is ${status}: ${verdict.text}.`,
    verdict.remedy,
    ...conditions.map(({ holds, text }) => `  ${marks[`${holds}`]}  ${text}`),
    ...(unique === null ? [] : [`${unique.text[0]?.toUpperCase()}${unique.text.slice(1)}.`]),
    ...because.flatMap((each) => ['which waits, too:', ...linesOf(each, `${indent}  `)]),
  ].map((line) => `${indent}${line}`);
}
