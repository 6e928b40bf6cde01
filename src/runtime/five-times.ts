import { ConflictError } from '../errors.ts';

const tries = 5;

/** Makes an attempt again when somebody else was faster, five times in all: the lineage's figure. The last conflict is thrown. */
export async function fiveTimes<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let count = 1; ; count += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof ConflictError) || count >= tries) throw error;
    }
  }
}
