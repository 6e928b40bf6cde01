import type { DispatcherFacts, PollCell, PollDetail } from '../../../protocol/actors.ts';
import { go } from '../../app-state.ts';
import { clockText, durationText, numberText } from '../../format.ts';
import { pageHash } from '../../route.ts';
import { PollStrip } from './poll-strip.tsx';

const fewest = 60;

/** All polls that are kept, and what one of them found. */
export function PollsArea({ id, facts }: { readonly id: string; readonly facts: DispatcherFacts }) {
  const { polls, poll, pollIntervalMs } = facts;
  const kept = polls.filter(({ key }) => key !== null);
  // As wide as the page with many polls, and not all over it with few.
  const count = Math.max(fewest, polls.length);
  const pitch = 1000 / count;
  const missed = polls.length - kept.length;
  const errors = kept.filter(({ errors: count }) => count > 0).length;
  const pick = (cell: PollCell | undefined): void => {
    if (cell?.key != null) go(pageHash('actors', id, { poll: cell.key }), true);
  };
  const at = kept.findIndex(({ key }) => key === poll?.key);
  const failed = kept.findLastIndex((cell, index) => cell.errors > 0 && (at < 0 || index < at));
  const steps = [
    ['earlier', kept[at < 0 ? kept.length - 1 : at - 1]],
    ['later', at < 0 ? undefined : kept[at + 1]],
    ...(errors === 0 ? [] : [['error before', kept[failed]] as const]),
  ] as const;
  return (
    <section class="rule" aria-label="Polls">
      <div class="bar">
        <h2 class="label">Polls</h2>
        <span class="mono quiet">{numberText(kept.length)}</span>
        <span class="quiet">
          kept since {clockText(kept[0]?.at ?? 0)}, every {durationText(pollIntervalMs ?? 0)}
          {missed > 0 && <span class="past">, {numberText(missed)} missed</span>}
          {errors > 0 && <span class="fails">, {numberText(errors)} with errors</span>}
        </span>
        <span class="end">
          {steps.map(([name, cell]) => (
            <button
              key={name}
              type="button"
              class="btn small"
              aria-disabled={cell === undefined}
              onClick={() => pick(cell)}
            >
              {name}
            </button>
          ))}
        </span>
      </div>
      <div class="poll-all">
        <PollStrip cells={polls} pitch={pitch} count={count} picked={poll?.key ?? null} pick={pick} />
        <div class="ticks" aria-hidden="true">
          <span>{polls.length < fewest ? '' : clockText(polls[0]?.at ?? 0)}</span>
          <span>height: jobs claimed · red: error · dashed: missed</span>
          <span>{clockText(polls.at(-1)?.at ?? 0)}</span>
        </div>
      </div>
      {poll === null ? (
        <p class="pad faint small">Choose a poll to see what it found at each agent.</p>
      ) : (
        <PollTable poll={poll} />
      )}
    </section>
  );
}

function PollTable({ poll }: { readonly poll: PollDetail }) {
  return (
    <table class="table" aria-label={`The poll of ${clockText(poll.at)}`}>
      <thead>
        <tr>
          <th>poll of {clockText(poll.at, true)}: agent</th>
          <th class="fit num">size</th>
          <th class="fit num">active</th>
          <th class="fit num">new</th>
          <th>error</th>
        </tr>
      </thead>
      <tbody>
        {poll.agents.map(({ queue, name, size, active, claimed, error }) => (
          <tr key={`${queue}/${name}`}>
            <td>
              <b>{name}</b> <span class="faint">{queue === '' ? "''" : queue}</span>
            </td>
            <td class="fit num quiet">{numberText(size)}</td>
            <td class="fit num">{numberText(active)}</td>
            <td class="fit num">{numberText(claimed)}</td>
            <td class={error === null ? 'quiet' : 'fails'} title={error ?? undefined}>
              {error ?? 'none'}
            </td>
          </tr>
        ))}
        {poll.skipped.map((queue) => (
          <tr key={`skipped ${queue}`}>
            <td>
              <span class="past">queue {queue === '' ? "''" : queue}</span>
            </td>
            <td class="past" colSpan={4}>
              skipped: it was not activated there, or its agents could not be read
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
