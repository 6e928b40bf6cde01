import { type ChildProcess, spawn } from 'node:child_process';

// One that hangs must not hold the command for ever; a million waiting jobs take some minutes.
const limitMs = 900_000;

/** Runs a measure of this folder once, in a process of its own. */
export async function inChild<Figures>(
  measure: string,
  options: object,
  flags: readonly string[] = [],
): Promise<Figures> {
  const child = start(flags);
  try {
    return await ask<Figures>(child, measure, options);
  } finally {
    end(child);
  }
}

/** Processes that stay for a whole run, so that they have to be started and warmed up once. */
export class Children {
  readonly #kept = new Map<string, ChildProcess>();

  /** Runs a measure in the process of that name. */
  measure<Figures>(name: string, measure: string, options: object): Promise<Figures> {
    // A process that waits for its turn would collect its garbage, and V8 then forgets much of what it has compiled.
    const child = this.#kept.get(name) ?? start(['--no-memory-reducer']);
    this.#kept.set(name, child);
    return ask(child, measure, options);
  }

  end(): void {
    for (const child of this.#kept.values()) end(child);
    this.#kept.clear();
  }
}

function start(flags: readonly string[]): ChildProcess {
  const args = [...flags, '--import', 'tsx', new URL('./child.ts', import.meta.url).pathname];
  return spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
}

function ask<Figures>(child: ChildProcess, measure: string, options: object): Promise<Figures> {
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
      reject(new Error(`Expected the measure ${measure} to end well, got ${why}.`));
    };
    child.on('error', failed);
    child.on('exit', (code, signal) => failed(code ?? signal));
    child.send({ url: new URL(`./${measure}.ts`, import.meta.url).href, options });
  });
}

function end(child: ChildProcess): void {
  child.on('error', () => {});
  if (child.connected) child.disconnect();
}
