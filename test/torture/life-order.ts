import type { PutKind } from './jobs.ts';
import type { KillPoint } from './kill-points.ts';

/** What a worker is told to do with its life. */
export interface LifeOrder {
  /** Lives are counted from 1. */
  readonly life: number;
  readonly seed: number;
  /** What it puts. */
  readonly kinds: readonly PutKind[];
  /** Where it kills itself, or null. */
  readonly killPoint: KillPoint | null;
  /** It puts nothing more, waits until everything is done, and stops. */
  readonly finishes: boolean;
}
