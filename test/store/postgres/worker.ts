import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const children = new Set<ChildProcess>();

/** Ends all started workers. */
export function killWorkers(): void {
  for (const child of children) child.kill('SIGKILL');
}

/** The options of a worker. */
export interface WorkerOptions {
  /** The error of its wall clock, in the form of `wrong-clock.ts`. */
  readonly clock?: string;
  /** The text before its command line. */
  readonly prefix?: readonly string[];
  /** No notification of another process reaches it. */
  readonly isDeaf?: boolean;
  /** Names of further definitions that it knows. */
  readonly deployed?: readonly string[];
}

/** Another process on a schema. Death counts after two seconds there. */
export class Worker {
  readonly child: ChildProcess;
  readonly uuid: string;
  readonly lines: string[] = [];
  #waiting: (() => void)[] = [];

  constructor(
    url: string,
    schema: string,
    uuid: string,
    { clock = '0,1', prefix = [], deployed = [], isDeaf = false }: WorkerOptions = {},
  ) {
    this.uuid = uuid;
    const [program = '', wrongClock = ''] = ['box-worker.ts', 'wrong-clock.ts'].map((file) =>
      join(import.meta.dirname, file),
    );
    const flags = ['--conditions', 'signalbox-source', '--import', 'tsx', '--import', `file://${wrongClock}`];
    const [command = '', ...args] = [
      ...prefix,
      process.execPath,
      ...flags,
      program,
      url,
      schema,
      uuid,
      ...deployed,
    ];
    this.child = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: {
        ...process.env,
        SIGNALBOX_TEST_CLOCK: clock,
        ...(isDeaf ? { SIGNALBOX_TEST_DEAF: '1' } : {}),
      },
    });
    children.add(this.child);
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      this.lines.push(line);
      for (const heard of this.#waiting.splice(0)) heard();
    });
  }

  /** Resolves when its output matches. */
  async said(text: string | RegExp): Promise<void> {
    while (!this.lines.some((line) => (typeof text === 'string' ? line === text : text.test(line))))
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  send(text: string): void {
    this.child.stdin?.write(`${text}\n`);
  }

  async killed(): Promise<void> {
    this.child.kill('SIGKILL');
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
  }
}
