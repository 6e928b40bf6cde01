import type { Machines } from '../definitions/machines.ts';
import type { ActorLines } from './actor-lines.ts';
import type { EmitListeners } from './emit-listeners.ts';
import type { TurnDeps } from './make-turn.ts';

/** What handles of actors need of the runtime. */
export interface ActorServices {
  readonly machines: Machines;
  readonly lines: ActorLines;
  readonly emitted: EmitListeners;
  /** How a turn is made within a larger commit. */
  readonly turns: TurnDeps;
}
