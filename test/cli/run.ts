import { runCli } from '../../src/cli/run.ts';

/** The output and the exit code of a command line. */
export interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** The last line of standard output, when that is JSON. */
  readonly json: Record<string, unknown>;
}

/** Runs a command line in this process. */
export function run(...args: readonly string[]): Promise<Run> {
  return runUntil(() => Promise.resolve(), ...args);
}

/** Runs a command line that goes on until it is stopped. `stopped`: with what it has printed so far. */
export async function runUntil(
  stopped: (printed: () => string) => Promise<void>,
  ...args: readonly string[]
): Promise<Run> {
  let [out, err] = ['', ''];
  const code = await runCli(args, {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    stopped: () => stopped(() => out),
  });
  return { code, out, err, json: args.includes('--json') && out !== '' ? jsonIn(out) : {} };
}

function jsonIn(out: string): Record<string, unknown> {
  return JSON.parse(out.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>;
}
