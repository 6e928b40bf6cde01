import type { Place } from '../../../machines/job.context.ts';

// Jobs that come one after the other wait in the same queue and were put by the same program, as a rule: what they say
// of that is held once for all of them (a place takes 32 of the 625 bytes of a waiting job; one that was read has an
// assigner of its own, too).
let newestQueue: { readonly queue: string } = { queue: '' };
let newestAssigner = '';

/** The place, or the newest one that is the same. Only places in a queue are held in common. */
export function internPlace(place: Place | null): Place | null {
  if (place === null || !('queue' in place) || 'agent' in place) return place;
  if (place.queue !== newestQueue.queue) newestQueue = place;
  return newestQueue;
}

/** The assigner, or the newest one that is the same. */
export function internAssigner(assigner: string | null): string | null {
  if (assigner !== null && assigner !== newestAssigner) newestAssigner = assigner;
  return assigner === null ? null : newestAssigner;
}
