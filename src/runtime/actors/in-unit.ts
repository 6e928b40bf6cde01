import type { UnitOfWork } from '../commits/unit-of-work.ts';
import type { Answer, Item } from './actor-items.ts';
import type { ActorLines } from './actor-lines.ts';
import { makeTurn, type TurnDeps } from './make-turn.ts';

/**
 * Makes a turn of an actor part of a larger commit, which is refused when the actor has changed by then: a conflict of the whole.
 */
export async function takeWithin(
  deps: TurnDeps,
  unit: UnitOfWork,
  { id, machine, item }: { readonly id: string; readonly machine: string; readonly item: Item },
  lines: Pick<ActorLines, 'follow'>,
): Promise<Answer> {
  const plan = await makeTurn({ ...deps, work: unit }, id, machine, [item], {
    readsMail: false,
    isMailed: false,
  });
  const answer = plan.answers.get(0);
  if (answer instanceof Error) throw answer;
  await unit.submit(plan.changes, plan.expect);
  for (const task of plan.jobs) await task(unit);
  await unit.whenCommitted(async () => {
    for (const work of plan.after) work();
    lines.follow(id, machine, plan);
  });
  return answer as Answer;
}
