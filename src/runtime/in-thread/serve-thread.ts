/*
 * Room: in-thread.
 *
 * Owns: The side of a thread of code that runs in threads: it imports the module of the program, calls the code
 *   of one attempt at a time as the executor does, and sends how that ended together with what it put and
 *   changed. thread-worker.ts is where a thread begins.
 *
 * Invariant: A thread writes nothing by itself. What it reads it asks the main thread for.
 *
 * May import: environment, definitions, commits, jobs, execution, callbacks, threads, handles, builtin-jobs.
 */
import { ShutdownError, SignalboxError } from '../../errors.ts';
import { stopError } from '../../model/jobs/stop-error.ts';
import { Failure } from '../../model/values/failure.ts';
import type { Progress } from '../../model/values/progress.ts';
import { callbackInput } from '../callbacks/callback-input.ts';
import { errorText } from '../environment/logging.ts';
import type { ThreadChannel, ThreadData } from '../environment/threads.ts';
import { Attempts, storeReturned } from '../execution/attempt.ts';
import { type Given, givenBy } from '../execution/given.ts';
import { currentRun, Run, type RunAgent } from '../execution/run.ts';
import {
  type AttemptWork,
  type BoxData,
  type CallMessage,
  type CodeEnd,
  errorData,
  errorOf,
  type FromThread,
  type Question,
  type StopReason,
  type ToThread,
} from '../threads/protocol.ts';
import { notInThreads } from './remote-store.ts';
import { defineAll, type ThreadPorts, type ThreadRuntime, threadRuntime } from './thread-runtime.ts';

/** Serves a thread until it is ended: calls what it is asked to call. */
export function serveThread(
  data: ThreadData,
  channel: ThreadChannel,
  exports: () => Promise<object>,
  ports: ThreadPorts,
): void {
  const served = new ServedThread(data, channel, exports, ports);
  channel.listen((text) => served.heard(JSON.parse(text) as ToThread));
}

interface Answer {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

class ServedThread {
  readonly #module: string;
  readonly #channel: ThreadChannel;
  readonly #runtime: ThreadRuntime;
  readonly #attempts: Attempts;
  readonly #numbers = new WeakMap<Run, number>();
  readonly #answers = new Map<number, Answer>();
  /** Null once the module is imported; otherwise what the import has thrown. */
  readonly #loaded: Promise<Error | null>;
  #questions = 0;
  #call: { readonly message: CallMessage; run: Run | null; reason: StopReason | null } | null = null;

  constructor(
    { module, box }: ThreadData,
    channel: ThreadChannel,
    exports: () => Promise<object>,
    ports: ThreadPorts,
  ) {
    this.#module = module;
    this.#channel = channel;
    this.#runtime = threadRuntime(box as BoxData, ports, {
      say: (message) => this.#say(message),
      ask: (question) => this.#ask(question),
      beat: (run) => this.#say({ type: 'beat', call: this.#numbers.get(run) ?? 0 }),
    });
    this.#attempts = new Attempts(this.#runtime.work, this.#runtime.handles);
    const { registry } = this.#runtime.context;
    this.#loaded = exports().then(
      (found) => {
        defineAll(registry, found);
        return null;
      },
      (error: unknown) => Failure.from(error).toError(),
    );
  }

  heard(message: ToThread): void {
    if (message.type === 'call') void this.#begin(message);
    else if (message.type === 'stop') this.#stop(message);
    else if (message.type === 'tearDown') void this.#tearDown(message.call);
    else {
      const answer = this.#answers.get(message.question);
      this.#answers.delete(message.question);
      if (message.type === 'answer') answer?.resolve(message.value);
      else answer?.reject(errorOf(message.error));
    }
  }

  #say(message: FromThread): void {
    this.#channel.send(JSON.stringify(message));
  }

  #ask(question: Question): Promise<unknown> {
    this.#questions += 1;
    const number = this.#questions;
    const run = currentRun.getStore();
    const call = run === undefined ? null : (this.#numbers.get(run) ?? null);
    return new Promise((resolve, reject) => {
      this.#answers.set(number, { resolve, reject });
      this.#say({ type: 'ask', call, question: number, ...question });
    });
  }

  async #begin(message: CallMessage): Promise<void> {
    const current = { message, run: null as Run | null, reason: null as StopReason | null };
    this.#call = current;
    const { context, work, handles } = this.#runtime;
    this.#runtime.setClock(message.now);
    const broken = await this.#loaded;
    const definition = context.registry.definition(message.job.name);
    if (broken !== null || definition === undefined) {
      this.#end(message.call, { kind: 'threw', error: errorData(this.#notDefined(message, broken)) }, null);
      return;
    }
    try {
      const input = await Promise.all(message.input.map((outcome) => callbackInput(work, handles, outcome)));
      const run = this.#runOf(message, input);
      current.run = run;
      if (current.reason !== null) stopRun(run, current.reason);
      this.#attempts.call(run, definition, {
        returned: (value) => void this.#returned(run, value),
        threw: (error) => this.#threw(run, error),
      });
    } catch (error) {
      this.#end(message.call, { kind: 'threw', error: errorData(error) }, current.run);
    }
  }

  #notDefined({ job: { name } }: CallMessage, broken: Error | null): SignalboxError {
    const known = this.#runtime.context.registry.names().join(', ') || 'no definitions';
    const actual =
      broken === null ? `one that exports ${known}` : `an error at its import: ${errorText(broken)}`;
    const options = broken === null ? {} : { cause: broken };
    return new SignalboxError('THREAD_MODULE', { name, module: this.#module, actual }, options);
  }

  #runOf(message: CallMessage, input: readonly unknown[]): Run {
    const { job, queue, annotations } = message;
    const agent = { name: message.agent, queue, owner: { uuid: message.dispatcher }, threads: null };
    const run = new Run({
      work: this.#runtime.work,
      job,
      // It has a name, and no workers: those are in the main thread.
      agent: agent as unknown as RunAgent,
      slot: null,
      holder: job,
      queue,
      input,
      annotations,
      info: null,
    });
    this.#numbers.set(run, message.call);
    return run;
  }

  #stop({ call, reason }: Extract<ToThread, { type: 'stop' }>): void {
    const current = this.#call;
    if (current?.message.call !== call) return;
    current.reason = reason;
    if (current.run !== null) stopRun(current.run, reason);
  }

  async #returned(run: Run, value: unknown): Promise<void> {
    try {
      const end = await this.#endOf(run, givenBy(run, value));
      const { unit } = run;
      const expect = unit.end();
      for (const follow of unit.takeFollowing()) await follow();
      const followUps = this.#runtime.followUps.splice(0);
      const isEmpty = unit.changes.length === 0 && expect.length === 0 && followUps.length === 0;
      const work = isEmpty || end.kind === 'unstorable' ? null : { changes: unit.changes, expect, followUps };
      this.#end(this.#numbers.get(run) ?? 0, end, run, work);
    } catch (error) {
      this.#threw(run, error);
    }
  }

  async #endOf(run: Run, given: Given): Promise<CodeEnd> {
    switch (given.kind) {
      case 'value':
        return given;
      case 'failure':
        return { kind: 'failure', failure: given.failure.data };
      case 'unstorable':
        return { kind: 'unstorable', error: errorData(given.error), text: given.text() };
      case 'snooze':
        return { kind: 'snooze', until: given.snooze.until, reason: given.snooze.reason };
      case 'job':
        await storeReturned(run.unit, given.job);
        return { kind: 'job', id: given.job.record.id };
      default:
        given.promise.catch(() => {});
        throw notInThreads('detached()');
    }
  }

  #threw(run: Run, error: unknown): void {
    this.#runtime.followUps.length = 0;
    this.#end(this.#numbers.get(run) ?? 0, { kind: 'threw', error: errorData(error) }, run);
  }

  #end(call: number, end: CodeEnd, run: Run | null, work: AttemptWork | null = null): void {
    // What its code does from now on is refused.
    run?.unit.end();
    const tearsDown = run !== null && run.tearDown !== null;
    if (!tearsDown) this.#call = null;
    const progress = (run?.lastProgress[0]?.patch?.value ?? null) as Progress | null;
    this.#say({ type: 'end', call, end, work, progress, tearsDown });
  }

  async #tearDown(call: number): Promise<void> {
    await this.#call?.run?.takeTearDown()?.();
    this.#call = null;
    this.#say({ type: 'tornDown', call });
  }
}

/** Signals the code to stop, with the error that it would get in the main thread. */
function stopRun(run: Run, reason: StopReason): void {
  if (reason.kind === 'stop') {
    run.job = { ...run.job, state: reason.state, stop: reason.stop };
    run.abort(stopError(run.job, reason.stop));
  } else if (reason.kind === 'shutdown') run.abort(new ShutdownError({ id: run.job.id }));
  else run.abort(new Error(reason.message));
}
