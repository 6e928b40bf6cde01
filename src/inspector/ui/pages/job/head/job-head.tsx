import type { AgentName, JobView } from '../../../../protocol/job.ts';
import type { Way } from '../../../chart/way.ts';
import { now } from '../../../connection.ts';
import { durationText, instantText, processName, shortId } from '../../../format.ts';
import { AsTestButton } from '../../../parts/as-test.tsx';
import { State } from '../../../parts/glyph.tsx';
import { jobHash, jobsHash, pageHash } from '../../../route.ts';
import { isBad } from '../../../state.ts';
import { CancelButton } from './cancel-button.tsx';
import { CopyAs } from './copy-as.tsx';
import { RetryButton } from './retry-button.tsx';

/** What this is, how it is, and what you can do. */
export function JobHead(props: { readonly view: JobView; readonly way: Way; readonly sinceMs: number }) {
  const { view, way, sinceMs } = props;
  const { word, hash } = listOf(view);
  const isOver = view.state === 'completed';
  return (
    <div class="head">
      <a class="back" href={hash}>
        ← {word}
      </a>
      <h1 class="mono">{view.name}</h1>
      <State state={way.state} ending={way.ending} isPill />
      <span class="id">{view.id}</span>
      <span class="facts">
        {view.queue !== null && (
          <span>
            queue{' '}
            <b>
              <a href={pageHash('queues', view.queue)}>{view.queue === '' ? "''" : view.queue}</a>
            </b>
          </span>
        )}
        {view.agent !== null && (
          <span class="opt">
            agent{' '}
            <b>
              <a href={agentHash(view.queue ?? '', view.agent)}>{view.agent.name}</a>
            </b>{' '}
            @{' '}
            <b title={view.agent.dispatcher}>
              <a href={pageHash('actors', `dispatcher:${view.agent.dispatcher}`)}>
                {processName(view.agent.dispatcher)}
              </a>
            </b>
          </span>
        )}
        {view.quotas.length > 0 && (
          <span class="opt">
            quota <b>{view.quotas.join(', ')}</b>
          </span>
        )}
        {view.parent !== null && (
          <span class="opt">
            of{' '}
            <b>
              <a href={jobHash(view.parent)} title={view.parent}>
                {shortId(view.parent)}
              </a>
            </b>
          </span>
        )}
        {view.attempts > 0 && (
          <span class="opt">
            {view.attempts === 1 ? 'try' : 'tries'} <b>{view.attempts}</b>
          </span>
        )}
        {view.priority !== 0 && (
          <span class="opt">
            priority <b>{view.priority}</b>
          </span>
        )}
        {view.timeoutMs !== null && (
          <span class="opt">
            timeout <b>{durationText(view.timeoutMs)}</b>
          </span>
        )}
        {view.deadline !== null && (
          <span class="opt">
            deadline <b>{instantText(view.deadline, now.value)}</b>
          </span>
        )}
        {view.snoozes > 0 && (
          <span class="opt">
            put off <b>{view.snoozes === 1 ? 'once' : `${view.snoozes} times`}</b>
          </span>
        )}
        {view.stop !== null && view.stop.by !== null && (
          <span class="opt" title={view.stop.reason ?? undefined}>
            cancelled by <b>{processName(view.stop.by)}</b>
          </span>
        )}
        {view.totalMs !== null && (
          <span>
            {isOver ? 'in all' : 'so far'} <b>{durationText(view.totalMs + sinceMs, true)}</b>
          </span>
        )}
      </span>
      <span class="actions">
        <CancelButton view={view} />
        <RetryButton view={view} />
        <AsTestButton path={`jobs/${encodeURIComponent(view.id)}/test`} />
        <CopyAs view={view} at={way.isPast ? (way.line?.seq ?? null) : null} />
      </span>
    </div>
  );
}

function agentHash(queue: string, { name, dispatcher }: AgentName): string {
  return pageHash('actors', `agent:${queue}/${dispatcher}/${name}`);
}

/** The list that the job is in. */
function listOf({ state, ending, unsound }: JobView): { readonly word: string; readonly hash: string } {
  if (unsound.length > 0) return { word: 'Quarantine', hash: jobsHash('quarantined') };
  if (state === 'completed')
    return isBad(ending)
      ? { word: 'Failed', hash: jobsHash('failed') }
      : { word: 'Ended', hash: jobsHash('ended') };
  if (state === 'pending') return { word: 'Waiting', hash: jobsHash('waiting') };
  if (state === 'new') return { word: 'Unplaced', hash: jobsHash('unplaced') };
  return { word: 'Held', hash: jobsHash('held') };
}
