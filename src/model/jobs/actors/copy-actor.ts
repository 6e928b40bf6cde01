import type { ActorRecord } from '../../records/records.ts';

/**
 * Returns a copy of an actor that the caller may change key by key. A literal with all keys, then those of its context: so the actors
 * of a machine share one hidden class. Objects that are spread from two others get one each, which takes a kilobyte.
 */
export function copyActor(actor: ActorRecord): Record<string, unknown> {
  return withContext(
    {
      id: actor.id,
      v: actor.v,
      rev: actor.rev,
      lastSeq: actor.lastSeq,
      createdSeq: actor.createdSeq,
      status: actor.status,
      state: actor.state,
      machine: actor.machine,
      version: actor.version,
      hash: actor.hash,
      history: actor.history,
      timers: actor.timers,
      children: actor.children,
      runs: actor.runs,
      dueAt: actor.dueAt,
      parent: actor.parent,
      output: actor.output,
      failure: actor.failure,
      startedAt: actor.startedAt,
      finishedAt: actor.finishedAt,
    } satisfies ActorRecord,
    actor,
  );
}

/** Returns the whole actor of a record that lacks some keys. */
export function wholeActor(given: Partial<ActorRecord>, missing: ActorRecord): Record<string, unknown> {
  return withContext(
    {
      id: given.id ?? missing.id,
      v: given.v ?? missing.v,
      rev: given.rev ?? missing.rev,
      lastSeq: given.lastSeq ?? missing.lastSeq,
      createdSeq: given.createdSeq ?? missing.createdSeq,
      status: given.status ?? missing.status,
      state: given.state ?? missing.state,
      machine: given.machine ?? missing.machine,
      version: given.version ?? missing.version,
      hash: given.hash ?? missing.hash,
      history: given.history ?? null,
      timers: given.timers ?? null,
      children: given.children ?? null,
      runs: given.runs ?? null,
      dueAt: given.dueAt ?? null,
      parent: given.parent ?? null,
      output: given.output ?? null,
      failure: given.failure ?? null,
      startedAt: given.startedAt ?? missing.startedAt,
      finishedAt: given.finishedAt ?? null,
    } satisfies ActorRecord,
    given,
  );
}

function withContext(copy: Record<string, unknown>, from: object): Record<string, unknown> {
  for (const key in from) if (key.startsWith('c:')) copy[key] = from[key as keyof typeof from];
  return copy;
}
