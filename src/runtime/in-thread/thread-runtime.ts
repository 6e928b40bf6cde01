import type { JobRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import { systemDefinitions } from '../builtin-jobs/system-jobs.ts';
import { Committer } from '../commits/committer.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import { Turns } from '../commits/turns.ts';
import { AutocommitUnit } from '../commits/unit-of-work.ts';
import { Registry } from '../definitions/registry.ts';
import type { LogLevel } from '../environment/logging.ts';
import { Log, type LogFields, type Logger } from '../environment/logging.ts';
import type { IdSource, RandomSource } from '../environment/ports.ts';
import type { Reactor } from '../environment/reactor/reactor.ts';
import { Sleeps } from '../environment/sleeps.ts';
import type { Run } from '../execution/run.ts';
import { Job } from '../handles/job.ts';
import { type HandleServices, provideServices } from '../handles/services.ts';
import { isDefinition, type JobHandles } from '../jobs/job-like.ts';
import type { BoxData, FollowUp, FromThread } from '../threads/protocol.ts';
import { type Ask, notInThreads, remoteStore } from './remote-store.ts';

/** What a thread is given from outside. */
export interface ThreadPorts {
  readonly reactor: Reactor;
  /** Milliseconds that only grow: who sets the clock of the machine changes nothing in an attempt. */
  readonly elapsed: () => number;
  readonly ids: IdSource;
  readonly random: RandomSource;
}

/** What a thread says, and asks. */
export interface ThreadVoice {
  say(message: FromThread): void;
  ask: Ask;
  /** The code of a run gives a sign of life. */
  beat(run: Run): void;
}

/** What runs in a thread works with this instead of a box. */
export interface ThreadRuntime {
  readonly context: RuntimeContext;
  readonly work: AutocommitUnit;
  readonly handles: JobHandles;
  /** What the clock of the store says now. */
  setClock(now: number): void;
  /** What is to be done once the present attempt is committed. */
  readonly followUps: FollowUp[];
}

/** Makes what handles and `local` need: a store that asks the main thread, and services that this thread can give. */
export function threadRuntime(box: BoxData, ports: ThreadPorts, voice: ThreadVoice): ThreadRuntime {
  const followUps: FollowUp[] = [];
  let zero = 0;
  const now = (): number => zero + ports.elapsed();
  const registry = new Registry();
  for (const definition of systemDefinitions) registry.add(definition);
  const context: RuntimeContext = {
    ...ports,
    store: remoteStore({ name: box.store, epoch: box.epoch, now }, voice.ask),
    registry,
    instrument: null,
    intercept: null,
    log: new Log(loggerOf(voice)),
    uuid: box.uuid,
    threadModule: null,
    // The main thread knows the definitions, and has stored what they hide.
    rules: { pending: () => null },
    turns: new Turns(),
    queues: new Set(),
    limits: box.limits,
    now,
    sleep: (ms) => new Sleeps(ports.reactor).take(ms),
  };
  const committer = new Committer(context, {
    workAvailable: (queue) => void followUps.push({ kind: 'offer', queue }),
    // Effects of changes follow their commit, which the main thread makes.
    outcomesWritten: () => {},
    stopRequested: () => {},
    mailAvailable: () => {},
    slotFreed: () => {},
  });
  const work = new AutocommitUnit(committer);
  const handles: JobHandles = {
    of: (unit, record, known) => Job.of(unit, record, known),
    reference: (unit, id) => Job.reference(unit, id),
  };
  const given = {
    work,
    committer,
    handles,
    limits: { beat: voice.beat },
    agents: { at: () => undefined },
    callbacks: {
      performLate: async (parent: string, callback: string | null = null) =>
        void followUps.push({ kind: 'late', parent, callback }),
      performFor: async (job: JobRecord) => void followUps.push({ kind: 'callbacks', job }),
      resume: () => refuse('job.resumeCallbacks()'),
      perform: () => refuse('calling callbacks'),
    },
    watch: {
      until: () => refuse('job.result() or job.waitFor(); return the job to wait for it'),
      subscribe: () => refuse('job.actorRef()'),
    },
    completer: { finishWithin: () => refuse('local.transaction()') },
    get actors(): never {
      return refuse('a call of an actor other than send()');
    },
  };
  provideServices(context, given as unknown as HandleServices);
  return {
    context,
    work,
    handles,
    followUps,
    setClock: (instant) => {
      zero = instant - ports.elapsed();
    },
  };
}

/** Makes the definitions among the exports of a module known, also those in lists. */
export function defineAll(registry: Registry, exports: object): void {
  for (const exported of Object.values(exports).flat())
    if (isDefinition(exported)) registry.add(exported as never);
}

function refuse(call: string): never {
  throw notInThreads(call);
}

/** Entries go to the main thread, which knows what its logger drops. */
function loggerOf({ say }: ThreadVoice): Logger {
  const write =
    (level: LogLevel) =>
    ({ stream: _stream, err, ...fields }: LogFields, text: string): void =>
      say({ type: 'log', level, text, fields, failure: err === undefined ? null : Failure.from(err).data });
  return {
    debug: write('DEBUG'),
    info: write('INFO'),
    warn: write('WARNING'),
    error: write('ERROR'),
    fatal: write('CRITICAL'),
  };
}
