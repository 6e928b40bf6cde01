import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A worker's program and where it works. */
export interface WorkerPlace {
  /** The root of the sources that it runs: the project, or a mutated copy of it. */
  readonly root: string;
  /** The program, from that root. */
  readonly program: string;
  readonly args: readonly string[];
  /** A command that runs it, as `prlimit --fsize=…` does. */
  readonly under?: readonly string[];
  /** Whether the program is JavaScript that needs no loader. Default false. */
  readonly isCompiled?: boolean;
}

/** A process with the sources loaded, which does nothing until an order comes. */
export class WorkerProcess {
  readonly child: ChildProcess;
  /** Everything it has said on its pipe so far. */
  readonly lines: string[] = [];
  /** What it wrote on standard error, which has to stay empty. */
  complaints = '';
  readonly #closed: Promise<unknown>;
  readonly #exited: Promise<unknown>;
  readonly #listeners = new Set<() => void>();
  #isOver = false;

  constructor({ root, program, args, under = [], isCompiled = false }: WorkerPlace) {
    const flags = isCompiled ? [] : ['--conditions', 'signalbox-source', '--import', 'tsx'];
    const node = [process.execPath, ...flags, join(root, program), ...args];
    const [command, ...rest] = [...under, ...node] as [string, ...string[]];
    this.child = spawn(command, rest, {
      cwd: root,
      stdio: ['pipe', 'pipe', 'pipe'],
      // libuv must not use io_uring: strace would see no system calls.
      env: { ...process.env, UV_USE_IO_URING: '0' },
    });
    this.#exited = once(this.child, 'exit');
    this.#closed = once(this.child, 'close').then(() => {
      this.#isOver = true;
      this.#wake();
    });
    // A process that is killed leaves a broken pipe.
    this.child.stdin?.on('error', () => {});
    this.child.stderr?.on('data', (data) => {
      this.complaints += String(data);
    });
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      this.lines.push(line);
      this.#wake();
    });
  }

  /** Sends it an order. */
  tell(order: unknown): void {
    this.child.stdin?.write(`${JSON.stringify(order)}\n`);
  }

  /** Resolves with the first line of this beginning, or null when the process ends without one. */
  async said(beginning: string, withinMs = Number.POSITIVE_INFINITY): Promise<string | null> {
    const find = (): string | undefined => this.lines.find((line) => line.startsWith(beginning));
    let isLate = false;
    const timer =
      withinMs === Number.POSITIVE_INFINITY
        ? null
        : setTimeout(() => {
            isLate = true;
            this.#wake();
          }, withinMs);
    while (find() === undefined && !this.#isOver && !isLate)
      await new Promise<void>((resolve) => this.#listeners.add(resolve));
    if (timer !== null) clearTimeout(timer);
    return find() ?? null;
  }

  /** The second word of each line that begins with this word. */
  idsOf(word: string): readonly string[] {
    return this.lines
      .filter((line) => line.startsWith(`${word} `))
      .map((line) => line.split(' ')[1] as string);
  }

  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
    this.child.kill(signal);
  }

  /** Resolves when the process is gone, before its pipe is read to the end. */
  async exited(): Promise<void> {
    await this.#exited;
  }

  /** Resolves when the process is gone and everything it said is here. */
  async ended(): Promise<void> {
    await this.#closed;
  }

  #wake(): void {
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }
}

/** What processes wrote on standard error, with the name of each. */
export function complaintsOf(processes: readonly (readonly [string, WorkerProcess])[]): readonly string[] {
  return processes
    .filter(([, { complaints }]) => complaints.trim() !== '')
    .map(([name, { complaints }]) => `${name}: ${complaints.trim().slice(0, 2_000)}`);
}
