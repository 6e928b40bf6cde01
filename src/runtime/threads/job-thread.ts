import { SignalboxError } from '../../errors.ts';
import type { ThreadSettings } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import { jobLabel } from '../../model/values/job-text.ts';
import type { Committer } from '../commits/committer.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import { errorText } from '../environment/logging.ts';
import type { ScheduledCall } from '../environment/reactor/reactor.ts';
import type { Thread, ThreadEnd, ThreadPort, ThreadStart } from '../environment/threads.ts';
import type { CodeEnds, Given } from '../execution/given.ts';
import { jobFields } from '../execution/outcome-log.ts';
import type { Run } from '../execution/run.ts';
import type { AttemptEnds } from './attempt-ends.ts';
import {
  type BoxData,
  errorData,
  type FromThread,
  type Question,
  readMethods,
  type ToThread,
} from './protocol.ts';
import { callMessage, stopForShutdown, stopReason } from './to-thread.ts';

/** A thread that does not exit within this time is reported. */
export const exitMs = 5000;

/** What a thread needs of the box. */
export interface JobThreadDeps {
  readonly committer: Committer;
  readonly port: ThreadPort;
  readonly ends: AttemptEnds;
  /** The code gives a sign of life. */
  beat(run: Run): void;
  /** The code of a thread, for a port that runs it in this one. */
  serve: (box: BoxData) => ThreadStart['serve'];
}

/** An attempt whose code a thread has. */
interface ThreadCall {
  readonly number: number;
  readonly run: Run;
  readonly ends: CodeEnds<Given>;
  /** Its code runs; has ended, and is to be torn down; is torn down. */
  at: 'code' | 'end' | 'tearDown';
  tornDown: () => void;
  /** Why it is to stop. */
  reason: unknown;
}

/** Where a thread belongs to. */
export interface ThreadPlace {
  readonly queue: string;
  readonly agent: string;
}

/** One thread, which has one attempt at a time. What it says is carried out here, and what is to stop it. */
export class JobThread {
  readonly #deps: JobThreadDeps;
  readonly #context: RuntimeContext;
  readonly #settings: ThreadSettings;
  readonly #place: ThreadPlace;
  readonly #thread: Thread;
  readonly #gone: Promise<void>;
  readonly #onFree: (thread: JobThread) => void;
  #resolveGone: () => void = () => {};
  #call: ThreadCall | null = null;
  #calls = 0;
  /** Ends it when its code does not stop in time. */
  #grace: ScheduledCall | null = null;
  /** Reports that it does not exit. */
  #exit: ScheduledCall | null = null;
  #isTerminated = false;
  isGone = false;

  /** `onFree` is called when it can have another attempt, and when it is gone. */
  constructor(
    deps: JobThreadDeps,
    settings: ThreadSettings,
    place: ThreadPlace,
    onFree: (thread: JobThread) => void,
  ) {
    this.#deps = deps;
    this.#context = deps.committer.context;
    this.#settings = settings;
    this.#place = place;
    this.#onFree = onFree;
    this.#gone = new Promise((resolve) => {
      this.#resolveGone = resolve;
    });
    const { store, uuid, limits, threadModule } = this.#context;
    if (threadModule === null) throw noModule(place.agent);
    const box: BoxData = { store: store.name, uuid, epoch: store.epoch, limits };
    const { reactor } = this.#context;
    this.#thread = deps.port.start(
      {
        data: { module: threadModule, box },
        maxHeapMb: settings.maxHeapMb,
        serve: deps.serve(box),
        defer: (call) => reactor.callFromThread(call),
      },
      { heard: (text) => this.#heard(JSON.parse(text) as FromThread), ended: (end) => this.#ended(end) },
    );
  }

  /** Whether it has had as many attempts as it may have. */
  get isWorn(): boolean {
    const { maxJobs } = this.#settings;
    return maxJobs !== null && this.#calls >= maxJobs;
  }

  /** Calls the code of an attempt. */
  call(run: Run, ends: CodeEnds<Given>): void {
    this.#calls += 1;
    const number = this.#calls;
    this.#call = { number, run, ends, at: 'code', tornDown: () => {}, reason: null };
    run.thread = this;
    this.#thread.keepProcess(true);
    this.#send(callMessage(number, run));
  }

  /** The run is to stop: it is asked to, and the thread ended when it does not stop within its grace. */
  stop(reason: unknown): void {
    const call = this.#call;
    if (call === null || this.#isTerminated) return;
    call.reason = reason;
    if (call.at === 'code')
      this.#send({ type: 'stop', call: call.number, reason: stopReason(call.run, reason) });
    this.#limit(call);
  }

  #limit({ run: { job } }: ThreadCall): void {
    const grace = this.#context.registry.graceOf(job.name);
    this.#grace ??= this.#context.reactor.callLater(grace, () => this.terminate());
  }

  /** Its process stops. Resolves when it is gone, and what ran in it is handed back. */
  async shutDown(): Promise<void> {
    const { run, at } = this.#call ?? {};
    let handedBack: Promise<void> | null = null;
    if (run !== undefined && at === 'code') {
      const { onDone } = run;
      handedBack = new Promise((resolve) => {
        run.onDone = () => {
          onDone();
          resolve();
        };
      });
      stopForShutdown(run);
    }
    this.terminate();
    await this.#gone;
    await handedBack;
  }

  /** Ends the thread, whatever it is at. */
  terminate(): void {
    if (this.#isTerminated || this.isGone) return;
    this.#isTerminated = true;
    this.#stopGrace();
    const { reactor, log } = this.#context;
    this.#exit = reactor.callLater(exitMs, () => {
      const { run } = this.#call ?? {};
      const whose = run === undefined ? 'an idle thread' : `the thread of ${jobLabel(run.job)}`;
      const what = (): string =>
        `${whose} of agent ${this.#place.agent} does not exit: its place stays taken until it does`;
      log.events('CRITICAL', what, run === undefined ? this.#place : jobFields(run.job, run));
    });
    this.#thread.terminate();
  }

  #stopGrace(): void {
    this.#grace?.cancel();
    this.#grace = null;
  }

  #send(message: ToThread): void {
    this.#thread.send(JSON.stringify(message));
  }

  /** What a thread says that is being ended counts for nothing: its attempt is over when it is gone. */
  #heard(message: FromThread): void {
    if (this.#isTerminated || this.isGone) return;
    if (message.type === 'ask') this.#answer(message);
    else if (message.type === 'log') {
      const err = message.failure === null ? {} : { err: new Failure(message.failure).toError() };
      this.#context.log.events(message.level, () => message.text, { ...message.fields, ...err });
    } else if (this.#call?.number !== message.call) return;
    else if (message.type === 'beat') this.#deps.beat(this.#call.run);
    else if (message.type === 'tornDown') this.#release();
    else this.#codeEnded(this.#call, message);
  }

  #codeEnded(call: ThreadCall, message: Extract<FromThread, { type: 'end' }>): void {
    this.#stopGrace();
    const { run } = call;
    if (message.progress !== null) run.progress.report(message.progress);
    if (message.tearsDown) {
      call.at = 'end';
      run.tearDown = () => this.#tearDown(call);
    } else this.#release();
    this.#deps.ends.follow(run, message, call.ends);
  }

  #tearDown(call: ThreadCall): Promise<void> {
    if (this.#call !== call || this.#isTerminated) return Promise.resolve();
    call.at = 'tearDown';
    this.#send({ type: 'tearDown', call: call.number });
    if (call.run.isAborted) this.#limit(call);
    return new Promise((resolve) => {
      call.tornDown = resolve;
    });
  }

  /** The attempt needs the thread no more. */
  #release(): void {
    const call = this.#call;
    if (call === null) return;
    this.#stopGrace();
    this.#call = null;
    call.run.thread = null;
    if (!this.isGone) {
      this.#thread.keepProcess(false);
      this.#onFree(this);
    }
    call.tornDown();
  }

  #ended(end: ThreadEnd): void {
    this.isGone = true;
    this.#exit?.cancel();
    const call = this.#call;
    this.#release();
    this.#onFree(this);
    this.#resolveGone();
    if (call?.at === 'code') call.ends.threw(this.#whyGone(call, end));
    else if (!this.#isTerminated || call?.at === 'tearDown') this.#logEnd(call, end);
  }

  /** What the attempt has failed with: the reason of its stop, or that of the thread. */
  #whyGone({ run, reason }: ThreadCall, end: ThreadEnd): unknown {
    if (this.#isTerminated) return run.isStopping ? null : reason;
    const { id } = run.job;
    const { maxHeapMb } = this.#settings;
    if (end.isOutOfMemory) {
      const limit = maxHeapMb === null ? 'what Node allows a thread' : `${maxHeapMb} MiB`;
      return new SignalboxError('THREAD_OUT_OF_MEMORY', { id, limit });
    }
    const actual = end.error === null ? `exit code ${end.code}` : errorText(end.error);
    return new SignalboxError(
      'THREAD_EXITED',
      { id, actual },
      end.error === null ? {} : { cause: end.error },
    );
  }

  #logEnd(call: ThreadCall | null, { code, error }: ThreadEnd): void {
    const { log } = this.#context;
    const how = error === null ? `exit code ${code}` : errorText(error);
    const at = call === null ? 'while it was idle' : `before ${jobLabel(call.run.job)} was torn down`;
    const what = (): string => `a thread of agent ${this.#place.agent} ended ${at}: ${how}`;
    log.events('ERROR', what, call === null ? this.#place : jobFields(call.run.job, call.run));
  }

  #answer({ call, question, method, args }: Extract<FromThread, { type: 'ask' }>): void {
    this.#carryOut(call, { method, args }).then(
      (value) => this.#reply({ type: 'answer', question, value }),
      (error: unknown) => this.#reply({ type: 'refusal', question, error: errorData(error) }),
    );
  }

  #reply(message: ToThread): void {
    if (!this.#isTerminated && !this.isGone) this.#send(message);
  }

  async #carryOut(call: number | null, { method, args }: Question): Promise<unknown> {
    const { store } = this.#context;
    if (method !== 'commit') {
      if (!readMethods.includes(method)) throw new SignalboxError('NOT_IN_THREADS', { call: String(method) });
      return (store[method] as (...args: readonly unknown[]) => unknown)(...args);
    }
    const current = this.#call;
    if (current?.number !== call) throw new SignalboxError('TRANSACTION_ENDED', { call: 'local' });
    const [changes, expect] = args as [never, never];
    await this.#deps.committer.commit(current.run.by, changes, expect).written;
    return null;
  }
}

/** The refusal of an agent with threads where no module says what they run. */
export function noModule(agent: string): SignalboxError {
  const option = `the executor of agent '${agent}'`;
  const repair = "Give createSignalbox({ threadModule: new URL('./jobs.js', import.meta.url) }).";
  const expected = "'inline' in a process without a threadModule";
  return new SignalboxError('INVALID_OPTION', { option, expected, actual: "'thread'", repair });
}
