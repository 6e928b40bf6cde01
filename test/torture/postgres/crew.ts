import { setTimeout as pause } from 'node:timers/promises';
import type { Scribe } from '../ledger.ts';
import type { Random } from '../random.ts';
import { type WorkerPlace, WorkerProcess } from '../worker-process.ts';
import type { WorkerOrder } from './worker.ts';

/** What a crew works with. */
export interface CrewParts extends WorkerPlace {
  readonly size: number;
  readonly seed: number;
  readonly ledger: Scribe;
  /** Makes UUIDs known before somebody lives under them. */
  register(uuids: readonly string[]): Promise<void>;
}

/** A process under the UUID that it lives under. */
interface Member {
  readonly uuid: string;
  readonly process: WorkerProcess;
  isStopped: boolean;
}

/** Processes loaded ahead, so that one that dies is followed by another at once. */
const spares = 2;

/** The processes of a campaign: as many as there shall be, each with a UUID of its own. */
export class Crew {
  readonly #parts: CrewParts;
  readonly #loaded: WorkerProcess[] = [];
  readonly #all: Member[] = [];
  #members: Member[] = [];
  #uuids: string[] = [];
  #count = 0;
  #isResting = false;

  constructor(parts: CrewParts) {
    this.#parts = parts;
  }

  /** Resolves when all are at work. `most`: how many may live, one after the other. */
  async start(most: number): Promise<void> {
    this.#uuids = Array.from({ length: most }, (_, index) => uuidOf(index, this.#parts.seed));
    await this.#parts.register(this.#uuids);
    await Promise.all(Array.from({ length: this.#parts.size }, () => this.#add()));
    await Promise.all(this.#members.map(({ process }) => process.said('started')));
  }

  /** Kills one and sends the next. False when there is nobody left to send. */
  async killOne(random: Random): Promise<boolean> {
    const running = this.#members.filter(({ isStopped }) => !isStopped);
    if (running.length === 0 || this.#uuids.length === 0) return false;
    const member = random.pick(running);
    this.#members = this.#members.filter((other) => other !== member);
    member.process.signal('SIGKILL');
    await member.process.exited();
    this.#parts.ledger(`killed ${member.uuid} ${Date.now()}`);
    await this.#add();
    return true;
  }

  /** Stops one for so long, and lets it go on. False when nobody is running. */
  async stopOne(random: Random, ms: number): Promise<boolean> {
    const running = this.#members.filter(({ isStopped }) => !isStopped);
    // Somebody has to be there to take over.
    if (running.length < 2) return false;
    const member = random.pick(running);
    member.isStopped = true;
    member.process.signal('SIGSTOP');
    await pause(ms);
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
    for (const process of this.#loaded) process.signal('SIGKILL');
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
    const uuid = this.#uuids.shift();
    if (uuid === undefined) return;
    while (this.#loaded.length < spares) this.#loaded.push(new WorkerProcess(this.#parts));
    const process = this.#loaded.shift() as WorkerProcess;
    this.#loaded.push(new WorkerProcess(this.#parts));
    const member = { uuid, process, isStopped: false };
    this.#all.push(member);
    this.#members.push(member);
    await process.said('ready');
    this.#count += 1;
    process.tell({ uuid, seed: this.#parts.seed + this.#count } satisfies WorkerOrder);
    if (this.#isResting) process.child.stdin?.write('rest\n');
  }
}

/** Their order is not that of their lives. */
function uuidOf(index: number, seed: number): string {
  const mixed = (Math.imul(index + 1, 0x9e3779b1) ^ seed) >>> 0;
  return `${mixed.toString(16).padStart(8, '0')}-${index.toString(16).padStart(4, '0')}-4000-8000-000000000000`;
}
