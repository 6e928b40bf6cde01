import { campaign } from './campaign.ts';
import { judge } from './json-checker.ts';
import type { Way } from './killing.ts';
import { figuresOf, type Part, type PartOptions } from './part.ts';
import { violationsOf } from './run-checker.ts';
import { whyNoStrace } from './strace.ts';

const finishMs = 120_000;

/** Kills processes at chosen places and at random times, and compares their ledger with what the store holds. */
export async function killPart(options: PartOptions & { readonly kills: number }): Promise<Part> {
  const { kills, progress } = options;
  const withoutStrace = whyNoStrace();
  if (withoutStrace !== null) progress(`no kills at system calls: ${withoutStrace}`);
  const ways: readonly Way[] = withoutStrace === null ? ['time', 'call', 'strace'] : ['time', 'call'];
  const run = await campaign({ ...options, ways, finishMs });
  try {
    const verdict = await judge(run);
    const opened = run.lives.flatMap((lines) => lines.filter((line) => line.startsWith('opened ')));
    const openMs = opened.map((line) => Number(line.split(' ')[1])).sort((one, other) => one - other);
    return {
      figures: {
        kills,
        killsBy: run.kills,
        withoutStrace,
        ...figuresOf(verdict),
        doubleHolders: run.doubleHolders,
        rivalsRefused: opened.filter((line) => Number(line.split(' ')[2]) > 0).length,
        crashes: run.crashes.length,
        openMsMedian: openMs[Math.floor(openMs.length / 2)] ?? null,
        openMsMax: openMs.at(-1) ?? null,
      },
      violations: violationsOf(run, verdict),
    };
  } finally {
    run.remove();
  }
}
