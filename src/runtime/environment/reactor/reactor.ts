/** A call that was scheduled and can still be taken back. */
export interface ScheduledCall {
  cancel(): void;
}

/**
 * What powers timed calls: any object with these five calls will do, so you may bring your own event loop, or one
 * with virtual time. Delays are milliseconds.
 */
export interface Reactor {
  /** Runs `call` in the loop as soon as possible, in a later turn. */
  callFromThread(call: () => void): void;
  /** Runs `call` apart from the loop's current work, as soon as possible. On Node: in a later macrotask. */
  callInThread(call: () => void): void;
  /** Runs `call` in the loop, at least `delayMs` from now. */
  callLater(delayMs: number, call: () => void): ScheduledCall;
  /**
   * As `callLater`, but the call keeps no process alive. Absent: the runtime does not watch whether the event loop is blocked.
   */
  callInBackground?(delayMs: number, call: () => void): ScheduledCall;
  /** Runs `call` before the loop shuts down; a returned promise is awaited. */
  addSystemEventTrigger(phase: 'before', event: 'shutdown', call: () => void | Promise<void>): ScheduledCall;
  /** Runs `call` now if the loop runs, otherwise when it starts. */
  callWhenRunning(call: () => void): void;
}

/** A clock: epoch milliseconds. */
export interface Clock {
  now(): number;
}

/** A reactor that is also a clock and can be started and stopped. */
export interface RunnableReactor extends Reactor, Clock {
  readonly running: boolean;
  run(): void;
  /** Runs the shutdown triggers, then stops. */
  stop(): Promise<void>;
}
