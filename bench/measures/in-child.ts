import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

// A hanging measure must not block the command without end; a million waiting jobs take some minutes.
const limitMs = 900_000;

/** The folder of the measures. */
const here = new URL('./', import.meta.url);

/** Runs a measure of this folder once, in its own process. `from`: the same folder of another release. */
export async function inChild<Figures>(
  measure: string,
  options: object,
  flags: readonly string[] = [],
  from: URL = here,
): Promise<Figures> {
  const child = start(flags, from);
  try {
    return await ask<Figures>(child, measure, options, from);
  } finally {
    end(child);
  }
}

/** Processes that are kept for a whole run, so that they are started and warmed up only once. */
export class Children {
  readonly #kept = new Map<string, ChildProcess>();

  /** Runs a measure in the process with this name. */
  measure<Figures>(name: string, measure: string, options: object, from: URL = here): Promise<Figures> {
    // A process that waits for its turn would collect garbage, and V8 would then discard much compiled code.
    const child = this.#kept.get(name) ?? start(['--no-memory-reducer'], from);
    this.#kept.set(name, child);
    return ask(child, measure, options, from);
  }

  end(): void {
    for (const child of this.#kept.values()) end(child);
    this.#kept.clear();
  }
}

function start(flags: readonly string[], from: URL): ChildProcess {
  const args = [...flags, '--import', 'tsx', fileURLToPath(new URL('./child.ts', from))];
  // In the folder of that release, whose package it measures.
  return spawn(process.execPath, args, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    cwd: fileURLToPath(new URL('../../', from)),
  });
}

function ask<Figures>(child: ChildProcess, measure: string, options: object, from: URL): Promise<Figures> {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => child.kill('SIGKILL'), limitMs);
    const over = () => {
      clearTimeout(limit);
      child.removeAllListeners();
    };
    child.on('message', (figures) => {
      over();
      resolve(figures as Figures);
    });
    const failed = (why: unknown) => {
      over();
      reject(new Error(`Expected the measure ${measure} to succeed, got ${why}.`));
    };
    child.on('error', failed);
    child.on('exit', (code, signal) => failed(code ?? signal));
    child.send({ url: new URL(`./${measure}.ts`, from).href, options });
  });
}

function end(child: ChildProcess): void {
  child.on('error', () => {});
  if (child.connected) child.disconnect();
}
