import { judge } from './books.ts';
import { campaign } from './campaign.ts';
import type { Way } from './killing.ts';
import type { Part } from './main.ts';
import { whyNoStrace } from './strace.ts';
import { violationsOf } from './verdicts.ts';

/** What the kills are told. */
export interface KillOptions {
  readonly root: string;
  readonly kills: number;
  readonly seed: number;
  readonly progress: (line: string) => void;
}

const finishMs = 120_000;

/** Kills processes at chosen places and at random times, and compares what they said with what the store holds. */
export async function killPart({ root, kills, seed, progress }: KillOptions): Promise<Part> {
  const withoutStrace = whyNoStrace();
  if (withoutStrace !== null) progress(`no kills at system calls: ${withoutStrace}`);
  const ways: readonly Way[] = withoutStrace === null ? ['time', 'call', 'strace'] : ['time', 'call'];
  const run = await campaign({ root, kills, seed, ways, finishMs, progress });
  const { told } = run;
  try {
    const verdict = await judge(run);
    const { problems: _told, ...counts } = verdict;
    const opened = told.lives.flatMap((lines) => lines.filter((line) => line.startsWith('opened ')));
    const openMs = opened.map((line) => Number(line.split(' ')[1])).sort((one, other) => one - other);
    return {
      figures: {
        kills,
        killsBy: told.kills,
        withoutStrace,
        ...counts,
        doubleHolders: told.doubleHolders,
        rivalsRefused: opened.filter((line) => Number(line.split(' ')[2]) > 0).length,
        crashes: told.crashes.length,
        openMsMedian: openMs[Math.floor(openMs.length / 2)] ?? null,
        openMsMax: openMs.at(-1) ?? null,
      },
      violations: violationsOf(told, verdict),
    };
  } finally {
    run.remove();
  }
}
