import type { Mutant } from '../../mutants/mutant.ts';
import type { scenarios } from './scenarios.ts';

/** A mutant with the scenario that shows what it lacks. */
export interface PostgresMutant extends Mutant {
  readonly scenario: keyof typeof scenarios;
}

const folder = 'src/store/postgres';

/** Each lacks one safeguard of the PostgreSQL store, or one without which it cannot be shared. */
export const mutants: readonly PostgresMutant[] = [
  {
    name: 'lease-without-fence',
    without: 'the refusal of who holds no lease any more',
    scenario: 'zombie',
    edits: [
      {
        file: `${folder}/sql/commit.ts`,
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is in the code.
        find: "      IF NOT FOUND THEN ${refuse('p_tokens[i]::text')} END IF;\n",
        replace: '',
      },
    ],
  },
  {
    name: 'commit-without-fence',
    without: 'the fence of epoch and claim in a commit',
    scenario: 'zombieThatPuts',
    edits: [
      {
        file: `${folder}/commits/sending.ts`,
        find: "if (check === 'atMost')",
        replace: "if (check === 'holder') continue;\n          if (check === 'atMost')",
      },
    ],
  },
  {
    name: 'lease-revision-kept',
    without: 'the revision of a lease that everyone raises who changes it, or a job that it holds',
    scenario: 'callbackBesideResult',
    edits: [
      { file: `${folder}/sql/commit.ts`, find: 'rev = l.rev + 1', replace: 'rev = l.rev' },
      // Nor does its holder count with it: he would be refused, and read again.
      {
        file: `${folder}/commits/draft.ts`,
        find: 'own.keep(token, ids.length === 0 ? null : { token, rev: rev + 1,',
        replace: 'own.keep(token, ids.length === 0 ? null : { token, rev,',
      },
    ],
  },
  {
    name: 'effect-apart',
    without: 'the one transaction of an effect and its result',
    scenario: 'zombieThatPays',
    edits: [
      {
        file: `${folder}/commits/program-transactions.ts`,
        find: 'const { by } = commit(result, null);',
        replace: "await connection.query('COMMIT; BEGIN');\n      const { by } = commit(result, null);",
      },
    ],
  },
  {
    name: 'quota-without-lock',
    without: 'the lock of a quota from the look at its room to the commit',
    scenario: 'quotaOfSeven',
    edits: [
      {
        file: `${folder}/sql/commit.ts`,
        find: "coalesce(p_quotas, '{}')) ORDER BY t.id FOR NO KEY UPDATE;",
        replace: "coalesce(p_quotas, '{}'));",
      },
    ],
  },
  {
    name: 'judged-claim-without-lock',
    without: 'the lock of the run of a job that a claim takes by itself',
    scenario: 'jobForTwo',
    edits: [
      {
        file: `${folder}/sql/expect.ts`,
        find: 't.turn <= p_turns[i] ORDER BY t.turn DESC LIMIT 1 FOR UPDATE;',
        replace: 't.turn <= p_turns[i] ORDER BY t.turn DESC LIMIT 1;',
      },
    ],
  },
  {
    name: 'claim-without-lock',
    without: 'the lock of the runs that a claim takes',
    scenario: 'jobForTwoBoxes',
    edits: [
      {
        file: `${folder}/sql/commit.ts`,
        find: 't.ctid = ANY (locked))\n            ORDER BY t.turn LIMIT p_width FOR UPDATE SKIP LOCKED',
        replace: 't.ctid = ANY (locked))\n            ORDER BY t.turn LIMIT p_width',
      },
    ],
  },
  {
    name: 'claim-of-the-dead',
    without: 'the lock of the agent that a claim is made for',
    scenario: 'claimDuringTakeOver',
    edits: [{ file: `${folder}/sql/commit.ts`, find: ' FOR KEY SHARE;', replace: ';' }],
  },
  {
    name: 'quota-claim-of-the-dead',
    without: 'the lock of the agent that a claim in a quota is made for',
    scenario: 'quotaClaimDuringTakeOver',
    edits: [{ file: `${folder}/sql/commit.ts`, find: ' FOR KEY SHARE;', replace: ';' }],
  },
  {
    name: 'unasked-outcome',
    without: 'the question what became of a statement whose answer was lost',
    scenario: 'answersLost',
    edits: [
      {
        file: `${folder}/commits/sending.ts`,
        find: "if (kind === 'lost' && sent !== null) {",
        replace: "if (kind === 'lost' && sent === undefined) {",
      },
    ],
  },
  {
    name: 'impatient-claim',
    without: 'the patience of a claim whose outcome is unknown',
    scenario: 'claimOfLongSilence',
    edits: [
      {
        file: `${folder}/commits/committing.ts`,
        find: 'if (isClient) throw doubt.error;',
        replace: 'if (isClient || doubt !== null) throw doubt.error;',
      },
    ],
  },
  {
    name: 'hopeful-outcome',
    without: 'the answer that the server has nothing of a statement',
    scenario: 'commitLost',
    edits: [
      {
        file: `${folder}/commits/outcomes.ts`,
        find: 'if (row === undefined) return null;',
        replace:
          'if (row === undefined) return { c: 1, at: 0, last: -1, held: null, refusal: null, isAny: true };',
      },
    ],
  },
  {
    name: 'number-alone',
    without: 'the opening, beside the number by which a commit is asked for',
    scenario: 'numberGivenAgain',
    edits: [
      {
        file: `${folder}/commits/outcomes.ts`,
        find: 'WHERE l.epoch = $1 AND l.n = $2 ORDER',
        replace: 'WHERE $1::bigint > 0 AND l.n = $2 ORDER',
      },
    ],
  },
  {
    name: 'crash-unseen',
    without: 'the look whether a crash has taken what was written',
    scenario: 'writtenIsLost',
    edits: [
      {
        file: `${folder}/commits/syncing.ts`,
        find: 'if (there.has(c)) resolve();',
        replace: 'if (there.size >= 0) resolve();',
      },
    ],
  },
  {
    name: 'beyond-its-size',
    without: 'the count of what an agent holds, inside its claim',
    scenario: 'moreThanFits',
    edits: [{ file: `${folder}/sql/commit.ts`, find: 'least(room, p_size - held)', replace: 'room' }],
  },
  {
    name: 'hints-alone',
    without: 'the claim of a poll, which needs no notification',
    scenario: 'hintLost',
    edits: [
      { file: 'src/runtime/dispatchers/poller.ts', find: 'await agent.claimDue();', replace: 'void agent;' },
    ],
  },
  {
    name: 'name-for-two',
    without: 'the look whether a unique name was obtained',
    scenario: 'nameForTwo',
    edits: [
      {
        file: `${folder}/sql/expect.ts`,
        find: 'ON CONFLICT DO NOTHING;\n        IF NOT FOUND THEN',
        replace: 'ON CONFLICT DO NOTHING;\n        IF false THEN',
      },
    ],
  },
  {
    name: 'tick-without-revision',
    without: 'the revision of a record that a commit believes in, as a tick does in that of its schedule',
    scenario: 'tickForTwo',
    edits: [
      {
        file: `${folder}/sql/expect.ts`,
        find: "IF coalesce(found_rev, 0) <> (b ->> 'rev')::bigint OR found_seq",
        replace: 'IF found_seq',
      },
    ],
  },
];
