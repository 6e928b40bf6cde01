import type { DurableEffect } from '../../../model/durable/machine.ts';
import { durationMs } from '../../../time.ts';

/** A job whose outcome an actor waits for. */
export interface JobChild {
  readonly actor: string;
  readonly child: string;
  readonly run: number;
  readonly src: string;
  /** The name of its definition; null: it is code of the machine. */
  readonly name: string | null;
  /** The instant after which its own time limit has ended it; infinite: it has none. */
  readonly overAt: number;
}

/** The job of a child that begins. Pure. */
export function jobChildOf(
  actor: string,
  { child, run, src, source }: Extract<DurableEffect, { readonly type: 'startJob' }>,
  now: number,
): JobChild {
  const definition = source.kind === 'job' ? (source.job.definition as Limited & { name: string }) : null;
  const given = source.options as { readonly timeout?: number | string; readonly deadline?: number | string };
  const limits = [
    given.timeout === undefined ? definition?.timeout : durationMs(given.timeout, 'timeout'),
    given.deadline === undefined ? definition?.deadline : durationMs(given.deadline, 'deadline'),
    definition?.heartbeat,
  ];
  const limitMs = Math.min(...limits.map((each) => each ?? Number.POSITIVE_INFINITY));
  return { actor, child, run, src, name: definition?.name ?? null, overAt: now + limitMs };
}

interface Limited {
  readonly timeout?: number | null;
  readonly deadline?: number | null;
  readonly heartbeat?: number | null;
}
