import type { SeededRandom } from '../../../src/testing/simulate/world/random.ts';
import type { Scribe } from '../ledger.ts';
import { complaintsOf, type WorkerPlace, WorkerProcess } from '../worker-process.ts';
import type { WorkerOrder } from './worker.ts';

/** How the processes of a pool are made. */
export interface PoolOptions extends WorkerPlace {
  readonly size: number;
  readonly seed: number;
  readonly ledger: Scribe;
  /** Registers a UUID before a process has it. */
  register(uuid: string): Promise<void>;
}

/** A process at work. */
interface Member {
  readonly uuid: string;
  readonly process: WorkerProcess;
  /** As the one that it replaces, so that there is always a process that knows every definition. */
  readonly isDeployed: boolean;
  isStopped: boolean;
}

/** A process that is loaded, and the UUID that is registered for it. */
interface Spare {
  readonly uuid: string;
  readonly process: WorkerProcess;
  readonly registered: Promise<void>;
}

/** How many are loaded ahead, so that one that dies is followed by another at once. */
const spares = 2;

/** The processes of a campaign: always the same number, each with a UUID of its own. */
export class WorkerPool {
  readonly #options: PoolOptions;
  readonly #spares: Spare[] = [];
  readonly #all: Member[] = [];
  #members: Member[] = [];
  #count = 0;
  #mayPut = true;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Resolves when all are at work. */
  async start(): Promise<void> {
    await Promise.all(Array.from({ length: this.#options.size }, (_, index) => this.#add(index % 2 === 0)));
    await Promise.all(this.#members.map(({ process }) => process.said('started')));
  }

  /** Kills one and starts the next. False when all are stopped. */
  async killOne(random: SeededRandom): Promise<boolean> {
    const running = this.#members.filter(({ isStopped }) => !isStopped);
    if (running.length === 0) return false;
    const member = random.pick(running);
    this.#members = this.#members.filter((other) => other !== member);
    member.process.signal('SIGKILL');
    await member.process.exited();
    this.#options.ledger(`killed ${member.uuid} ${Date.now()}`);
    await this.#add(member.isDeployed);
    return true;
  }

  /** Stops one until something has happened, and continues it. False when fewer than two are running. */
  async stopOne(random: SeededRandom, until: (uuid: string) => Promise<void>): Promise<boolean> {
    // Others cannot declare dead one that has not begun to work.
    const running = this.#members.filter(
      ({ isStopped, process }) => !isStopped && process.lines.includes('started'),
    );
    // Another one has to be there to take over.
    if (running.length < 2) return false;
    const member = random.pick(running);
    member.isStopped = true;
    member.process.signal('SIGSTOP');
    await until(member.uuid);
    this.#continue(member);
    return true;
  }

  continueAll(): void {
    for (const member of this.#members) if (member.isStopped) this.#continue(member);
  }

  #continue(member: Member): void {
    member.isStopped = false;
    member.process.signal('SIGCONT');
  }

  /** From now on no process puts jobs. */
  stopPutting(): void {
    this.#mayPut = false;
    for (const { process } of this.#members) process.child.stdin?.write('stop putting\n');
  }

  /** Ends all processes. */
  async end(): Promise<void> {
    for (const { process } of this.#members) process.signal('SIGKILL');
    for (const { process } of this.#spares) process.signal('SIGKILL');
    await Promise.all(this.#spares.map(({ registered }) => registered));
    await Promise.all(this.#members.map(({ process }) => process.ended()));
  }

  /** Processes that ended by themselves. */
  crashes(): readonly string[] {
    const ended = this.#all.filter(({ process }) => process.child.exitCode !== null);
    return ended.map(({ uuid, process }) => `process ${uuid} ended with code ${process.child.exitCode}`);
  }

  /** What they wrote on standard error. */
  complaints(): readonly string[] {
    return complaintsOf(this.#all.map(({ uuid, process }) => [`process ${uuid}`, process]));
  }

  async #add(isDeployed: boolean): Promise<void> {
    while (this.#spares.length <= spares) this.#load();
    const { uuid, process, registered } = this.#spares.shift() as Spare;
    const member = { uuid, process, isDeployed, isStopped: false };
    this.#all.push(member);
    this.#members.push(member);
    await Promise.all([process.said('ready'), registered]);
    const seed = this.#options.seed + this.#all.length;
    process.tell({ uuid, seed, isDeployed } satisfies WorkerOrder);
    if (!this.#mayPut) process.child.stdin?.write('stop putting\n');
  }

  #load(): void {
    const uuid = uuidOf(this.#count, this.#options.seed);
    this.#count += 1;
    this.#spares.push({
      uuid,
      process: new WorkerProcess(this.#options),
      registered: this.#options.register(uuid),
    });
  }
}

/** Their order is not that of their lives. */
function uuidOf(index: number, seed: number): string {
  const mixed = (Math.imul(index + 1, 0x9e3779b1) ^ seed) >>> 0;
  return `${mixed.toString(16).padStart(8, '0')}-${index.toString(16).padStart(4, '0')}-4000-8000-000000000000`;
}
