import type { Signalbox } from '../../../index.ts';
import type { Audit } from '../audit/audit.ts';
import type { Ledger } from '../audit/ledger.ts';
import type { World } from '../world/world.ts';

/** The dependencies of a client. */
export interface ClientDeps {
  readonly world: World;
  readonly box: Signalbox;
  readonly number: number;
  readonly ledger: Ledger;
  readonly audit: () => Audit;
  /** Returns the box of the act, or another one where it is known that its process is gone. */
  readonly nextBox: () => Signalbox | null;
  /** Returns a box that is up; null while no process is up. */
  readonly anyBox: () => Signalbox | null;
  /** The chance that the caller does not get the answer. */
  readonly forgets: number;
  /** The chance that the caller gives up what was certainly refused. */
  readonly givesUp: number;
  /** How long a caller waits, at least, that finds no process. */
  readonly patienceMs: number;
  readonly isOver: () => boolean;
  /** Whether a message that was just acknowledged is sent once more. */
  readonly sendsTwice: () => boolean;
}
