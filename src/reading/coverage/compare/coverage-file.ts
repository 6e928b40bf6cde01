import type { CountedRow } from './chart-row.ts';
import type { CoverageChart, CoverageState, CoverageWay } from './coverage-chart.ts';

/** What one process of a test run has taken: the content of a file of `collectCoverage`. */
export interface CoverageFile {
  readonly rows: readonly CountedRow[];
  /** The charts of the program that its boxes had. */
  readonly machines: readonly CoverageChart[];
}

const format = 'signalbox-coverage';
const newest = 1;

/** The content of a file as JSON. */
export function coverageText({ rows, machines }: CoverageFile): string {
  const lists = rows.map(({ machine, version, from, event, to, count }) => [
    ...[machine, version, from, event, to],
    count,
  ]);
  return `${JSON.stringify({ format, v: newest, rows: lists, machines })}\n`;
}

/** Reads what the JSON of a file holds. A text: why it is none, as a sentence without its subject. */
export function coverageIn(content: unknown): CoverageFile | string {
  if (!isObject(content) || content.format !== format)
    return `is no file of collectCoverage: those have "format": "${format}"`;
  const { v, rows, machines } = content;
  if (v !== newest) return `has version ${JSON.stringify(v)} of the format, and only ${newest} can be read`;
  if (!Array.isArray(rows) || !rows.every(isRow)) return 'has rows that are none';
  if (!Array.isArray(machines) || !machines.every(isChart)) return 'has machines that are none';
  return {
    rows: rows.map(([machine, version, from, event, to, count]) => {
      return { machine, version, from, event, to, count };
    }),
    machines,
  };
}

type Row = readonly [
  machine: string,
  version: string,
  from: string,
  event: string,
  to: string,
  count: number,
];

function isRow(row: unknown): row is Row {
  return (
    Array.isArray(row) &&
    row.length === 6 &&
    row.slice(0, 5).every((each) => typeof each === 'string') &&
    Number.isSafeInteger(row[5]) &&
    row[5] > 0
  );
}

function isChart(chart: unknown): chart is CoverageChart {
  return (
    isObject(chart) &&
    areTexts(chart.machine, chart.version) &&
    isListOf(chart.states, isState) &&
    isListOf(chart.begins ?? [], (path) => areTexts(path))
  );
}

const types: readonly unknown[] = ['atomic', 'compound', 'parallel', 'final', 'history'];

function isState(state: unknown): state is CoverageState {
  return isObject(state) && areTexts(state.path) && types.includes(state.type) && isListOf(state.ways, isWay);
}

function isWay(way: unknown): way is CoverageWay {
  return (
    isObject(way) &&
    areTexts(way.event) &&
    (way.guard === null || areTexts(way.guard)) &&
    isListOf(way.targets, (target) => typeof target === 'string')
  );
}

function isListOf(list: unknown, is: (item: unknown) => boolean): boolean {
  return Array.isArray(list) && list.every(is);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function areTexts(...values: readonly unknown[]): boolean {
  return values.every((value) => typeof value === 'string');
}
