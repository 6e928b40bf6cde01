import { nodeFilePort } from '../json/ports/file-port.ts';
import { createKernelLock } from '../json/ports/lock.ts';
import { checkDatabase, checkSchema, connectionFor } from '../postgres/connecting.ts';
import { PromotionTarget } from '../postgres/promotion/promotion-target.ts';
import { placeOf } from '../postgres/sql-port.ts';
import type { StorePorts } from '../store.ts';
import { type Promotion, type PromotionStep, promote } from './promoting.ts';

/** The source and the target of a promotion. */
export interface PromoteOptions {
  /** Directory of the json store. */
  readonly from: string;
  readonly connectionString: string;
  readonly schema: string;
  readonly ports: StorePorts;
  /** Called after each step. */
  readonly reached: (step: PromotionStep) => void;
}

/** Promotes a json store on the real file system to a real database. See `promote`. */
export async function promoteStore(options: PromoteOptions): Promise<Promotion> {
  const { from, connectionString, schema, ports, reached } = options;
  checkDatabase({ connectionString });
  checkSchema(schema);
  const port = await connectionFor({ connectionString, queryTimeout: '10m' });
  return promote({
    from,
    target: new PromotionTarget(port, schema),
    to: await placeOf(connectionString),
    schema,
    ports: {
      files: nodeFilePort,
      lock: createKernelLock(),
      now: () => ports.now(),
      newId: () => ports.newId(),
      defer: () => new Promise((resolve) => ports.defer(resolve)),
      report: (message) => ports.report(message),
    },
    reached,
  });
}
