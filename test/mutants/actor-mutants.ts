import type { TestedMutant } from './tested.ts';

const mailbox = 'test/actors/mailbox.test.ts';
const children = 'test/actors/children.test.ts';

/** Safeguards of durable actors that seeds need thousands of tries to miss. */
export const actorMutants: readonly TestedMutant[] = [
  {
    name: 'dropped-unseen',
    about: 'actors',
    without: 'the actor as it was read among what the end of a message expects',
    test: mailbox,
    edits: [
      {
        file: 'src/runtime/actors/make-turn.ts',
        find: 'if (isChanged || this.#isNoted || ended.length > 0)',
        replace: 'if (isChanged || this.#isNoted)',
      },
    ],
  },
  {
    name: 'ignored-out-of-turn',
    about: 'actors',
    without: 'the look for mail that comes before an event which changes nothing',
    test: mailbox,
    edits: [
      {
        file: 'src/runtime/actors/actor-line.ts',
        find: 'if (batch.length > 0 && plan.changes.length === 0) await this.#mustBeAsRead(plan, readsMail);',
        replace: '',
      },
    ],
  },
  {
    name: 'runs-begin-anew',
    about: 'actors',
    without: 'the numbers of the children that an actor had when it was stopped',
    test: children,
    edits: [{ file: 'machines/actor.machine.ts', find: 'runs: lastRuns(context),', replace: '' }],
  },
  {
    name: 'child-started-over',
    about: 'actors',
    without: 'the child that an earlier step of the same commit has started',
    test: children,
    edits: [
      {
        file: 'src/runtime/actors/turn.ts',
        find: 'parts.children.set(id, actor.there);',
        replace: '',
      },
    ],
  },
];
