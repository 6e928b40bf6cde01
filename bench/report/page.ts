import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Check } from '../measures/check.ts';
import { type Bar, chart } from './chart.ts';
import { boundText, type Figures, type Parts, partsOf, shown } from './figures.ts';
import { hostText } from './host.ts';

const page = new URL('../../docs/performance.md', import.meta.url);

const charts: Readonly<Record<string, { title: string; figure: string; unit: string; without: string[] }>> = {
  embedded: {
    title: 'No-op jobs put and completed, per second (more is better)',
    figure: 'totalPerS',
    unit: '/s',
    without: ['fastq', 'fdatasync'],
  },
  postgres: {
    title: 'No-op jobs put and completed on one PostgreSQL server, per second (more is better)',
    figure: 'totalPerS',
    unit: '/s',
    without: [],
  },
  latency: {
    title: 'From put to the start of the job, median (less is better)',
    figure: 'putToStartP50Ms',
    unit: ' ms',
    without: ['fdatasync'],
  },
};

const names: Readonly<Record<string, string>> = {
  size10: 'Signalbox, agent size 10',
  size50: 'Signalbox, agent size 50',
  signalbox: 'Signalbox',
  plainjob: 'plainjob, no fsync per commit',
  plainjobSynced: 'plainjob, fsync per commit',
  bullmq: 'BullMQ, fsync per second',
  liteque: 'liteque, no fsync per commit',
  fastq: 'fastq, memory only',
  bareXState: 'bare XState actors, memory only',
  fdatasync: 'fdatasync alone',
  size100: 'Signalbox, agent size 100',
  graphileWorker: 'Graphile Worker',
  pgBoss: 'pg-boss, batches of 100',
  server: 'the server',
  1: '1 process',
  2: '2 processes',
  4: '4 processes',
  slowDisk: 'Signalbox, 2 ms added to each sync',
  busy: 'jobs that compute',
  busyViewed: 'jobs that compute, one viewer',
  paced: 'jobs that do nothing, 200 a second',
  pacedViewed: 'jobs that do nothing, 200 a second, one viewer',
  '1,000': '1,000 waiting',
  '10,000': '10,000 waiting',
  '100,000': '100,000 waiting',
  '100,000 blocked': '100,000 waiting for a full quota',
  '1,000,000': '1,000,000 waiting',
};

/** Writes the figures of a suite into docs/performance.md, between its marks, and draws their chart. */
export function writePage(suite: string, figures: object, checks: readonly Check[]): void {
  const text = readFileSync(page, 'utf8');
  const [begin, end] = [
    `<!-- ${suite}: written by npm run bench -- ${suite} --write -->`,
    `<!-- end of ${suite} -->`,
  ];
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (after === undefined)
    throw new Error(`Expected docs/performance.md to hold the lines ${begin} and ${end}.`);
  const picture = draw(suite, figures);
  writeFileSync(page, `${before}${begin}\n\n${picture}${tables(figures, checks)}\n${end}${after}`);
  format();
}

// Aligns tables as everywhere in the repository.
function format(): void {
  const biome = createRequire(import.meta.url).resolve('@biomejs/biome/bin/biome');
  const { status } = spawnSync(process.execPath, [biome, 'format', '--write', fileURLToPath(page)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error('Expected docs/performance.md to be formatted, got a failure of biome.');
}

function draw(suite: string, figures: object): string {
  const wanted = charts[suite];
  if (wanted === undefined) return '';
  const bars = Object.entries(rowsOf(partsOf(figures))[0] ?? {}).flatMap(([name, row]): Bar[] => {
    const figure = row?.[wanted.figure];
    if (figure === null || figure === undefined || wanted.without.includes(name)) return [];
    const shownName = names[name] ?? name;
    const text = `${shown(figure)}${wanted.unit}`;
    return [{ name: shownName, figure, text, isOurs: shownName.startsWith('Signalbox') }];
  });
  writeFileSync(new URL(`performance-${suite}.svg`, page), chart(wanted.title, bars));
  return `![${wanted.title}](performance-${suite}.svg)\n\n`;
}

// A suite with one row of its own shows its figures singly.
function rowsOf({ single, tables }: Parts): Parts['tables'] {
  const [first = {}, ...others] = tables;
  return 'putToResultP50Ms' in single ? [{ signalbox: single, ...first }, ...others] : tables;
}

function grouped(group: Parts['tables'][number], single: Figures): string {
  const rows = Object.entries(group).flatMap(([name, row]) => (row === null ? [] : [{ name, row }]));
  const columns = [
    ...new Set(rows.filter(({ row }) => row !== single).flatMap(({ row }) => Object.keys(row))),
  ];
  if (columns.length === 0) return '';
  return table(
    ['', ...columns],
    rows.map(({ name, row }) => [names[name] ?? name, ...columns.map((column) => shown(row[column]))]),
  );
}

function tables(figures: object, checks: readonly Check[]): string {
  const parts = partsOf(figures);
  const { single, facts } = parts;
  const alone = table(
    ['figure', 'is', 'bound', 'goal'],
    Object.entries(single).map(([name, figure]) => {
      const check = checks.find((one) => one.figure === name);
      return [
        `\`${name}\``,
        shown(figure),
        check === undefined ? '' : boundText(check),
        check?.goal === undefined ? '' : shown(check.goal),
      ];
    }),
  );
  const said = Object.entries(facts).map(([name, fact]) => `- ${names[name] ?? name}: ${fact}\n`);
  const date = new Date().toISOString().slice(0, 10);
  return [
    ...rowsOf(parts).map((group) => grouped(group, single)),
    alone,
    said.join(''),
    `Measured on ${date}: ${hostText()}.\n`,
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return `${[line(head), line(head.map((_, index) => (index === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n')}\n`;
}
