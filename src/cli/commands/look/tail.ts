import { type TailLine, TailLines } from '../../../inspector/views/tail/tail-lines.ts';
import { readStore } from '../../../store/json/index.ts';
import { JournalTail } from '../../../store/json/recovery/journal-tail.ts';
import { type Command, type LongRun, UsageError } from '../../command.ts';
import { instantText } from '../../table.ts';
import { directoryOf, storeOption } from './reader.ts';

/** How often the files are looked at. */
const pauseMs = 250;
const mostLines = 1000;

/** Follows what happens in a store, whether its process is at work or not. */
export const tail: Command = {
  name: 'tail',
  summary: 'print what happens in a store, as it happens, until this command is stopped',
  options: [
    storeOption,
    { flags: '--queue <queue>', summary: 'only in one queue' },
    { flags: '--job <id>', summary: 'only to one job' },
    { flags: '--task <pattern>', summary: "only to jobs of a definition, such as 'mail.*'" },
    { flags: '--event <pattern>', summary: "only events such as 'job.finish' or 'quota.*'" },
    { flags: '--lines <number>', summary: 'begin with so many from before (default: 10, at most 1000)' },
  ],
  async run({ lines = '10', ...given }, _tell, long) {
    const most = Number(lines);
    if (!Number.isInteger(most) || most < 0 || most > mostLines)
      throw new UsageError(`Expected --lines to be a whole number from 0 to ${mostLines}, got ${lines}.`);
    const dir = directoryOf(given);
    const past = await readStore(dir);
    const newest = past.to;
    const isWanted = filterOf(given);
    // Of those before, a filter is asked about the newest thousand.
    await past.moveTo(Math.max(past.from, newest - (isWanted === null ? most : mostLines)));
    const shown = new TailLines(past);
    const journal = new JournalTail(dir, past.seq);
    const before: TailLine[] = [];
    const print = (line: TailLine): void => long.print(textOf(line), { ...line });
    await eachRound(long, async () => {
      for (const stored of journal.read())
        for await (const line of shown.linesOf(stored)) {
          if (isWanted?.(line) === false) continue;
          if (line.seq > newest) print(line);
          else before.push(line);
        }
      for (const line of before.splice(0).slice(most === 0 ? Number.POSITIVE_INFINITY : -most)) print(line);
    });
    return { isGood: true, lines: [], json: null };
  },
};

async function eachRound({ stopped, pause }: LongRun, round: () => Promise<void>): Promise<void> {
  let isStopped = false;
  const stop = stopped().then(() => {
    isStopped = true;
  });
  while (!isStopped) {
    await round();
    await Promise.race([stop, pause(pauseMs)]);
  }
}

/** Null: all is wanted. */
function filterOf({
  queue,
  job,
  task,
  event,
}: Readonly<Record<string, string>>): ((line: TailLine) => boolean) | null {
  const tests = [
    ...(queue === undefined ? [] : [(line: TailLine) => line.queue === queue]),
    ...(job === undefined ? [] : [(line: TailLine) => line.job === job]),
    ...(task === undefined ? [] : [(line: TailLine) => line.name !== null && isLike(line.name, task)]),
    ...(event === undefined ? [] : [(line: TailLine) => isLike(line.event, event)]),
  ];
  return tests.length === 0 ? null : (line) => tests.every((test) => test(line));
}

/** `*` stands for any characters. */
function isLike(text: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return text === first;
  let at = first.length;
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= text.length - last.length;
}

/** `2026-11-30T14:01:09.220Z    88412  job.finish  mail.send XFw7sWyu  active.running > callbacks  ECONNRESET`. */
function textOf({ seq, at, event, kind, id, job, name, from, to, ending, note, sets }: TailLine): string {
  const subject = job === null ? settingName(kind, id) : [name, kind === 'job' ? job : id].join(' ');
  const way = from === to ? (from ?? '') : `${from ?? 'nothing'} > ${to ?? 'nothing'}`;
  const said = [ending, note ?? (kind === 'job' ? null : sets.join(', '))].filter((words) => words !== null);
  return [
    instantText(at),
    String(seq).padStart(8),
    event.padEnd(24),
    subject.padEnd(32),
    way.padEnd(26),
    said.join(': '),
  ]
    .join('  ')
    .trimEnd();
}

/** A queue by its name, a dispatcher by the beginning of its UUID: `'mail' d10f3c52 main`. */
function settingName(kind: string, id: string): string {
  if (kind === 'store' || kind === 'proxy') return kind === 'store' ? id : `${kind} ${id}`;
  const [queue = '', ...rest] = id.split('/');
  return [`'${queue}'`, ...rest.map((part) => part.replace(/^([0-9a-f]{8})-[0-9a-f-]{27}$/, '$1'))].join(' ');
}
