import { signal } from '@preact/signals';
import {
  type ComparedChart,
  compareCoverage,
  newestCharts,
} from '../../../../reading/coverage/compare/compare-coverage.ts';
import { type CoverageFile, coverageIn } from '../../../../reading/coverage/compare/coverage-file.ts';
import type { Problem } from '../../../protocol/hello.ts';
import type { ProductionView } from '../../../protocol/machines.ts';
import { announcement } from '../../app-state.ts';
import type { GivenFile } from '../../browser.ts';
import { token } from '../../connection.ts';
import { parsed, question } from '../../source/answers.ts';

/** Files of tests, compared with the journal. They are read in this browser and sent nowhere. */
export interface Compared {
  readonly files: number;
  /** When the journal was read, by the clock of the store. */
  readonly at: number;
  readonly production: Pick<ProductionView, 'entries' | 'fromAt' | 'isCut'>;
  readonly charts: readonly ComparedChart[];
}

/** What the page shows instead of the traffic; null: no files were given. It is kept while the page is open. */
export const compared = signal<Compared | null>(null);

/** Why there is nothing to compare; null: there is, or nothing was given. */
export const refusal = signal<Problem['error'] | null>(null);

let tests: readonly CoverageFile[] = [];

/** Takes files of tests instead of those before. */
export async function take(files: readonly GivenFile[]): Promise<void> {
  if (files.length === 0) return;
  const found = files.map(({ name, text }) => ({
    name,
    content: coverageIn(text === null ? null : parsed(text)),
  }));
  const bad = found.find(({ content }) => typeof content === 'string');
  if (bad !== undefined) {
    refusal.value = {
      code: 'NO_COVERAGE',
      text: `${bad.name} ${String(bad.content)}.`,
      repair: 'Drop the files of a folder that collectCoverage({ dir }) of signalbox/testing has written.',
    };
    return;
  }
  tests = found.map(({ content }) => content as CoverageFile);
  await recount();
}

/** Reads the journal anew. */
export async function recount(): Promise<void> {
  const outcome = await question<ProductionView>('coverage', token, patienceMs);
  if (outcome.is !== 'answer') {
    refusal.value = outcome.is === 'problem' ? outcome.problem : silence;
    return;
  }
  const { data, at } = outcome.answer;
  const { entries, fromAt, isCut } = data;
  const charts = compareCoverage({
    charts: [...data.charts, ...newestCharts(tests.flatMap((file) => file.machines))],
    ...{ tests: tests.flatMap((file) => file.rows), production: data.rows, dwell: data.dwell },
  });
  const untested = charts.reduce((sum, { verdicts }) => sum + verdicts.untested, 0);
  refusal.value = null;
  compared.value = { files: tests.length, at, production: { entries, fromAt, isCut }, charts };
  announcement.value = `${untested} ways are taken in production, and in no test.`;
}

/** Shows the traffic again. */
export function forget(): void {
  tests = [];
  compared.value = null;
  refusal.value = null;
}

/** A long journal takes a while. */
const patienceMs = 60_000;
const silence: Problem['error'] = {
  code: 'NO_ANSWER',
  text: 'The server did not answer what production has taken.',
  repair: 'Drop the files again when it can be reached.',
};
