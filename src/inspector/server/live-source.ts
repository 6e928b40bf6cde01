import type { Signalbox } from '../../index.ts';
import type { ActorSource } from '../views/actors/actor-source.ts';
import { Traces } from '../views/actors/traces.ts';

/** A page that is open is answered every few seconds: when none was for so long, no page looks any more. */
const watchMs = 20_000;

/** The live machines of a box. They are watched while pages ask, and for some seconds more. */
export function liveSource(box: Signalbox): ActorSource {
  let traces: Traces | null = null;
  let askedAt = 0;

  function watched(): Traces {
    askedAt = box.store.now();
    if (traces !== null) return traces;
    const own = new Traces(box.liveActors(), askedAt);
    traces = own;
    // The first event that comes too late ends it: no timer has to.
    const stop = box.watchLiveActors((change) => {
      if (change.at - askedAt <= watchMs) return own.note(change);
      stop();
      traces = null;
    });
    return own;
  }

  return {
    actors: () => box.liveActors(),
    dispatcher: (uuid) => {
      const dispatcher = box.getDispatcher(uuid);
      if (dispatcher === null) return null;
      const { status, pollInterval, timeSinceLastPoll, uptime, threads } = dispatcher.getStatusInfo();
      return {
        health: status,
        pollIntervalMs: pollInterval,
        pollAgeMs: timeSinceLastPoll,
        uptimeMs: uptime,
        polls: dispatcher.polls,
        threads,
      };
    },
    trace: (actor, now) => watched().of(actor, now),
  };
}
