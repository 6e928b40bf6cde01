import { eventWords } from '../../reading/actors/event-words.ts';
import { chartsOf, ownCharts } from '../../reading/coverage/charts.ts';
import {
  type ComparedChart,
  compareCoverage,
  newestCharts,
} from '../../reading/coverage/compare/compare-coverage.ts';
import { type CoverageFile, coverageIn } from '../../reading/coverage/compare/coverage-file.ts';
import { type JournalCoverage, journalCoverage } from '../../reading/coverage/journal-coverage.ts';
import { type Command, type CommandResult, listIn, UsageError } from '../command.ts';
import { isDatabaseUrl } from '../database-url.ts';
import { definitionsOption, machinesIn } from '../definitions.ts';
import { builtHeatPage, builtStyles, filesIn, writeText } from '../ports.ts';
import { instantText, shortTime, tableOf } from '../table.ts';
import { readerOf } from './look/reader.ts';

/** What production takes of each chart, and what tests take of it. */
export const coverage: Command = {
  name: 'coverage',
  summary: 'compare which ways of charts tests take with those that production takes',
  options: [
    {
      flags: '--tests <directory...>',
      summary: 'the folders that collectCoverage of signalbox/testing has written',
      isRequired: true,
    },
    {
      flags: '--from <directory>',
      summary: 'the directory of the json store of production, or of an export',
      isRequired: true,
    },
    {
      ...definitionsOption,
      summary: 'the module that exports the machines of today (default: as the tests had them)',
    },
    { flags: '--html <file>', summary: 'write a page that draws each chart in three colours' },
    {
      flags: '--fail-on <verdict>',
      summary: 'untested: exit code 1 when production takes what no test takes',
    },
  ],
  // What the module has opened is not known here.
  endsProcess: true,
  async run({ tests = '', from = '', definitions, html, failOn }) {
    if (failOn !== undefined && failOn !== 'untested')
      throw new UsageError(`Expected \`--fail-on\` to be untested, got ${JSON.stringify(failOn)}.`);
    if (isDatabaseUrl(from))
      throw new UsageError(
        'Expected `--from` to be the directory of a json store, got a database. Open the page Machines of an inspector of it, and drop the files of the tests there.',
      );
    const files = listIn(tests).flatMap(filesOf);
    const rows = files.flatMap((file) => file.rows);
    if (rows.length === 0)
      throw new UsageError(
        `Expected ${listIn(tests).join(' and ')} to have files with rows, found none. Call collectCoverage({ dir }) of signalbox/testing in a setup file of the tests, and write() at their end.`,
      );
    const machines = definitions === undefined ? [] : await machinesIn(definitions);
    const journal = await journalCoverage(await readerOf({ store: from }));
    const charts = compareCoverage({
      charts: [...ownCharts, ...chartsOf(machines), ...newestCharts(files.flatMap((file) => file.machines))],
      ...{ tests: rows, production: journal.rows, dwell: journal.dwell },
    });
    if (html !== undefined) {
      const about = { tests: `${filesText(files.length)} of ${listIn(tests).join(', ')}` };
      writeText(html, await pageOf(charts, { ...about, production: `${from}, ${rangeOf(journal)}` }));
    }
    return resultOf(charts, { files: files.length, journal, failOn, html });
  },
};

function filesOf(folder: string): readonly CoverageFile[] {
  return readable(folder, () => filesIn(folder, '.json')).map(({ path, text }) => {
    const found = coverageIn(readable(path, () => JSON.parse(text) as unknown));
    if (typeof found !== 'string') return found;
    throw new UsageError(
      `Expected ${path} to be written by collectCoverage, got a file that ${found}. Name a folder that has no other files.`,
    );
  });
}

function readable<Value>(path: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    throw new UsageError(
      `Expected ${path} to be readable, got: ${(error as Error).message}. Name the folder that collectCoverage({ dir }) has written.`,
    );
  }
}

async function pageOf(
  charts: readonly ComparedChart[],
  about: { readonly tests: string; readonly production: string },
): Promise<string> {
  const { heatPage } = await builtHeatPage();
  return heatPage({ charts, ...about, styles: builtStyles() });
}

function filesText(count: number): string {
  return count === 1 ? '1 file' : `${count} files`;
}

function rangeOf({ entries, fromAt, toAt }: JournalCoverage): string {
  if (fromAt === null) return 'no entries';
  return `${entries} entries from ${instantText(fromAt)} to ${instantText(toAt)}`;
}

function resultOf(
  charts: readonly ComparedChart[],
  about: {
    readonly files: number;
    readonly journal: JournalCoverage;
    readonly failOn: string | undefined;
    readonly html: string | undefined;
  },
): CommandResult {
  const { files, journal, failOn, html } = about;
  const untested = charts.reduce((sum, { verdicts }) => sum + verdicts.untested, 0);
  const { entries, fromAt, toAt } = journal;
  return {
    isGood: failOn === undefined || untested === 0,
    lines: [
      `Tests: ${filesText(files)}. Production: ${rangeOf(journal)}.`,
      ...chartsTable(charts),
      ...(untested === 0 ? [] : ['', ...untestedTable(charts)]),
      ...linesOfOthers(charts),
      '',
      untested === 0
        ? 'Tests take every way that production takes.'
        : `${untested === 1 ? '1 way is' : `${untested} ways are`} taken in production, and in no test.`,
      ...(html === undefined ? [] : [`Written: ${html}`]),
    ],
    json: { untested, tests: { files }, production: { entries, fromAt, toAt }, charts },
  };
}

function chartsTable(charts: readonly ComparedChart[]): readonly string[] {
  return tableOf(
    [
      {
        title: 'chart',
        text: ({ machine, version }) => `${machine}${version === null ? '' : `@${version}`}`,
      },
      {
        title: 'ways',
        isRight: true,
        text: ({ verdicts: all }) => `${all.tested + all.untested + all.untaken}`,
      },
      { title: 'in tests', isRight: true, text: ({ verdicts }) => `${verdicts.tested}` },
      { title: 'never taken', isRight: true, text: ({ verdicts }) => `${verdicts.untaken}` },
      { title: 'in no test', isRight: true, text: ({ verdicts }) => `${verdicts.untested}` },
    ],
    charts,
  );
}

interface Untested {
  readonly machine: string;
  readonly from: string;
  readonly event: string;
  readonly to: string;
  readonly production: number;
  readonly p50: number | null;
}

function untestedTable(charts: readonly ComparedChart[]): readonly string[] {
  const found = charts.flatMap(untestedOf).sort((one, other) => other.production - one.production);
  return tableOf(
    [
      { title: 'in no test', text: ({ machine }) => machine },
      { title: 'from', text: ({ from }) => from },
      { title: 'event', text: ({ event }) => event },
      { title: 'to', text: ({ to }) => to },
      { title: 'production', isRight: true, text: ({ production }) => `${production}` },
      { title: 'stays p50', isRight: true, text: ({ p50 }) => shortTime(p50) },
    ],
    found,
  );
}

function untestedOf({ machine, states, rows }: ComparedChart): readonly Untested[] {
  if (states.length === 0)
    return rows
      .filter(({ verdict }) => verdict === 'untested')
      .map(({ from, event, to, production }) => ({
        ...{ machine, from: from || '-', event: eventWords(event), to: to || '-', production, p50: null },
      }));
  return states.flatMap(({ ways, dwell }) =>
    ways
      .filter(({ verdict }) => verdict === 'untested')
      .map(({ source, event, guard, targets, production }) => ({
        machine,
        from: source || 'any state',
        event: guard === null ? eventWords(event) : `${eventWords(event)} if ${guard}`,
        to: targets.join(' + ') || 'stays',
        production,
        p50: dwell?.p50 ?? null,
      })),
  );
}

/** Rows that charts of today do not have are said, not judged. */
function linesOfOthers(charts: readonly ComparedChart[]): readonly string[] {
  const others = charts.filter(({ states, rows }) => states.length > 0 && rows.length > 0);
  return others.flatMap(({ machine, rows }) => [
    '',
    `Not in the chart of ${machine} of today, made by another version:`,
    ...rows.map(
      ({ version, from, event, to, production, tests }) =>
        `  ${machine}@${version}: ${from || '-'} ${event} ${to || '-'}, production ${production}, tests ${tests}`,
    ),
  ]);
}
