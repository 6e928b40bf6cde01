import type { Scribe } from '../ledger.ts';
import type { Random } from '../random.ts';
import { type WorkerPlace, WorkerProcess } from '../worker-process.ts';
import type { WorkerOrder } from './worker.ts';

/** What a crew works with. */
export interface CrewParts extends WorkerPlace {
  readonly size: number;
  readonly seed: number;
  readonly ledger: Scribe;
  /** Makes a UUID known before somebody lives under it. */
  register(uuid: string): Promise<void>;
}

/** A process under the UUID that it lives under. */
interface Member {
  readonly uuid: string;
  readonly process: WorkerProcess;
  isStopped: boolean;
}

/** A process that is loaded, and the UUID that is known for it. */
interface Spare {
  readonly uuid: string;
  readonly process: WorkerProcess;
  readonly known: Promise<void>;
}

/** How many are ready, so that one that dies is followed by another at once. */
const spares = 2;

/** The processes of a campaign: as many as there shall be, each with a UUID of its own. */
export class Crew {
  readonly #parts: CrewParts;
  readonly #spares: Spare[] = [];
  readonly #all: Member[] = [];
  #members: Member[] = [];
  #count = 0;
  #isResting = false;

  constructor(parts: CrewParts) {
    this.#parts = parts;
  }

  /** Resolves when all are at work. */
  async start(): Promise<void> {
    await Promise.all(Array.from({ length: this.#parts.size }, () => this.#add()));
    await Promise.all(this.#members.map(({ process }) => process.said('started')));
  }

  /** Kills one and sends the next. False when nobody is running. */
  async killOne(random: Random): Promise<boolean> {
    const running = this.#members.filter(({ isStopped }) => !isStopped);
    if (running.length === 0) return false;
    const member = random.pick(running);
    this.#members = this.#members.filter((other) => other !== member);
    member.process.signal('SIGKILL');
    await member.process.exited();
    this.#parts.ledger(`killed ${member.uuid} ${Date.now()}`);
    await this.#add();
    return true;
  }

  /** Stops one until something has come about, and lets it go on. False when nobody can be spared. */
  async stopOne(random: Random, until: (uuid: string) => Promise<void>): Promise<boolean> {
    // One that has not begun to work is nobody whom others could declare dead.
    const running = this.#members.filter(
      ({ isStopped, process }) => !isStopped && process.lines.includes('started'),
    );
    // Somebody has to be there to take over.
    if (running.length < 2) return false;
    const member = random.pick(running);
    member.isStopped = true;
    member.process.signal('SIGSTOP');
    await until(member.uuid);
    this.#goOn(member);
    return true;
  }

  goOn(): void {
    for (const member of this.#members) if (member.isStopped) this.#goOn(member);
  }

  #goOn(member: Member): void {
    member.isStopped = false;
    member.process.signal('SIGCONT');
  }

  /** Nobody puts any more. */
  rest(): void {
    this.#isResting = true;
    for (const { process } of this.#members) process.child.stdin?.write('rest\n');
  }

  /** Ends all processes. */
  async end(): Promise<void> {
    for (const { process } of this.#members) process.signal('SIGKILL');
    for (const { process } of this.#spares) process.signal('SIGKILL');
    await Promise.all(this.#spares.map(({ known }) => known));
    await Promise.all(this.#members.map(({ process }) => process.ended()));
  }

  /** Processes that ended by themselves. */
  crashes(): readonly string[] {
    const ended = this.#all.filter(({ process }) => process.child.exitCode !== null);
    return ended.map(({ uuid, process }) => `process ${uuid} ended with code ${process.child.exitCode}`);
  }

  /** What they wrote on standard error. */
  complaints(): readonly string[] {
    return this.#all
      .map(({ uuid, process }) => `process ${uuid}: ${process.complaints.trim().slice(0, 2_000)}`)
      .filter((text) => !text.endsWith(': '));
  }

  async #add(): Promise<void> {
    while (this.#spares.length <= spares) this.#load();
    const { uuid, process, known } = this.#spares.shift() as Spare;
    const member = { uuid, process, isStopped: false };
    this.#all.push(member);
    this.#members.push(member);
    await Promise.all([process.said('ready'), known]);
    process.tell({ uuid, seed: this.#parts.seed + this.#all.length } satisfies WorkerOrder);
    if (this.#isResting) process.child.stdin?.write('rest\n');
  }

  #load(): void {
    const uuid = uuidOf(this.#count, this.#parts.seed);
    this.#count += 1;
    this.#spares.push({ uuid, process: new WorkerProcess(this.#parts), known: this.#parts.register(uuid) });
  }
}

/** Their order is not that of their lives. */
function uuidOf(index: number, seed: number): string {
  const mixed = (Math.imul(index + 1, 0x9e3779b1) ^ seed) >>> 0;
  return `${mixed.toString(16).padStart(8, '0')}-${index.toString(16).padStart(4, '0')}-4000-8000-000000000000`;
}
