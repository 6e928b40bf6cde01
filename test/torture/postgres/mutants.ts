import type { Mutant } from '../../mutants/mutant.ts';
import type { scenarios } from './scenarios.ts';

/** A mutant with the scenario that shows what it lacks. */
export interface PostgresMutant extends Mutant {
  readonly scenario: keyof typeof scenarios;
}

const folder = 'src/store/postgres';

/**
 * Each lacks one safeguard of the PostgreSQL store, or one without which it cannot be shared. The fast way,
 * through functions in the database, has safeguards of its own.
 */
export const mutants: readonly PostgresMutant[] = [
  {
    name: 'plain-step-without-fence',
    without: 'the fence of epoch and claim in a plain step',
    scenario: 'zombie',
    edits: [
      {
        file: `${folder}/plain-functions.ts`,
        find: 'WHERE j.ctid = i.at_place AND j.epoch = i.epoch AND j.claim = i.claim AND j.state',
        replace: 'WHERE j.ctid = i.at_place AND j.state',
      },
    ],
  },
  {
    name: 'commit-without-fence',
    without: 'the fence of epoch and claim in a commit',
    scenario: 'zombieThatPuts',
    edits: [
      {
        file: `${folder}/committing.ts`,
        find: "if (precondition.check !== 'atMost') mustHold",
        replace:
          "if (precondition.check === 'holder') continue;\n          if (precondition.check !== 'atMost') mustHold",
      },
    ],
  },
  {
    name: 'plain-step-without-lock',
    without: 'the lock of a row before a plain step judges it',
    scenario: 'resultDuringTakeOver',
    edits: [
      {
        file: `${folder}/plain-functions.ts`,
        find: 'WHERE j.id = i.id FOR UPDATE)',
        replace: 'WHERE j.id = i.id)',
      },
    ],
  },
  {
    name: 'effect-apart',
    without: 'the one transaction of an effect and its result',
    scenario: 'zombieThatPays',
    edits: [
      {
        file: `${folder}/committing.ts`,
        find: 'for (let refusal: Error | null = null; ; ) {',
        replace:
          "await connection.query('COMMIT; BEGIN');\n      for (let refusal: Error | null = null; ; ) {",
      },
    ],
  },
  {
    name: 'quota-without-lock',
    without: 'the lock of a quota while a claim counts the jobs in it',
    scenario: 'quotaForTwo',
    edits: [{ file: `${folder}/claiming.ts`, find: ' ORDER BY id FOR NO KEY UPDATE', replace: '' }],
  },
  {
    name: 'claim-without-lock',
    without: 'the lock of a job that a claim takes',
    scenario: 'jobForTwo',
    edits: [{ file: `${folder}/claiming.ts`, find: ' FOR UPDATE SKIP LOCKED', replace: '' }],
  },
  {
    name: 'plain-claim-without-lock',
    without: 'the lock of a job that a plain claim takes',
    scenario: 'jobForTwoBoxes',
    edits: [{ file: `${folder}/plain-functions.ts`, find: ' FOR UPDATE SKIP LOCKED', replace: '' }],
  },
  {
    name: 'claim-of-the-dead',
    without: 'the lock of the representation that a claim is made for',
    scenario: 'quotaClaimDuringTakeOver',
    edits: [
      {
        file: `${folder}/claiming.ts`,
        find: '.representation WHERE id = $1 FOR SHARE',
        replace: '.representation WHERE id = $1',
      },
    ],
  },
  {
    name: 'plain-claim-of-the-dead',
    without: 'the lock of the representation that a plain claim is made for',
    scenario: 'claimDuringTakeOver',
    edits: [
      {
        file: `${folder}/plain-functions.ts`,
        find: 'WHERE r.id = of_representation FOR SHARE;',
        replace: 'WHERE r.id = of_representation;',
      },
    ],
  },
  {
    name: 'unasked-outcome',
    without: 'the question how a transaction ended whose COMMIT was not answered',
    scenario: 'answersLost',
    edits: [
      {
        file: `${folder}/transactions.ts`,
        find: "if (kind === 'lost' && proof !== null) {",
        replace: "if (kind === 'lost' && proof === undefined) {",
      },
    ],
  },
  {
    name: 'impatient-claim',
    without: 'the patience of a claim whose outcome is unknown',
    scenario: 'claimOfLongSilence',
    edits: [
      {
        file: `${folder}/claiming.ts`,
        find: "const patience = 'asks';",
        replace: "const patience = 'none';",
      },
    ],
  },
  {
    name: 'hopeful-outcome',
    without: 'the answer that a transaction was aborted',
    scenario: 'commitLost',
    edits: [
      {
        file: `${folder}/transactions.ts`,
        find: "if (row?.status === 'aborted') return 'aborted';",
        replace: "if (row?.status === 'aborted') return 'committed';",
      },
    ],
  },
  {
    name: 'number-alone',
    without: 'the look for what a transaction left, beside its number',
    scenario: 'numberGivenAgain',
    edits: [
      {
        file: `${folder}/transactions.ts`,
        find: "return left.length > 0 ? 'committed' : 'aborted';",
        replace: "return 'committed';",
      },
    ],
  },
  {
    name: 'beyond-its-size',
    without: 'the count of what an agent holds, inside its claim',
    scenario: 'moreThanFits',
    edits: [{ file: `${folder}/plain-functions.ts`, find: 'most := least(most, size - held);', replace: '' }],
  },
  {
    name: 'hints-alone',
    without: 'the claim of a poll, which needs no notification',
    scenario: 'hintLost',
    edits: [
      { file: 'src/runtime/dispatchers/poller.ts', find: 'await agent.claimDue();', replace: 'void agent;' },
    ],
  },
];
