import type { ComponentChildren } from 'preact';
import type { JobView } from '../../../../protocol/job.ts';
import { shortId } from '../../../format.ts';
import { jobHash, jobsHash, pageHash } from '../../../route.ts';

/** Where the job comes from, and under what it is found. Nothing where there is nothing to say. */
export function Origin({ view }: { readonly view: JobView }) {
  const { tags, keys, schedule, actor, retryOf, retriedAs } = view.origin;
  const { unique } = view.explanation;
  const isPlain = tags.length + keys.length === 0 && (schedule ?? actor ?? retryOf) === null;
  if (isPlain && retriedAs === null && unique === null) return null;
  return (
    <dl class="origin">
      {tags.length > 0 && (
        <Fact name={tags.length === 1 ? 'tag' : 'tags'}>
          {tags.map((tag) => (
            <a key={tag} href={jobsHash('ended', null, `tag:${tag}`)}>
              {tag}
            </a>
          ))}
        </Fact>
      )}
      {schedule !== null && (
        <Fact name="schedule">
          <a href={pageHash('schedules', schedule)}>{schedule}</a>
        </Fact>
      )}
      {actor !== null && (
        <Fact name="child of actor">
          <a href={pageHash('durable', actor.id)}>{actor.id}</a>
          <span class="quiet">as {actor.child}</span>
        </Fact>
      )}
      {unique !== null && (
        <Fact name="unique" title={unique.text}>
          {unique.key.replace(/[0-9a-f]{32,}$/, (hash) => `${hash.slice(0, 8)}…`)}
          <span class="quiet">
            {unique.holder === null ? 'is free' : unique.holder === view.id ? 'is its own' : 'is held by '}
            {unique.holder !== null && unique.holder !== view.id && <JobLink id={unique.holder} />}
          </span>
        </Fact>
      )}
      {keys.length > 0 && <Fact name={keys.length === 1 ? 'key' : 'keys'}>{keys.join(', ')}</Fact>}
      {retryOf !== null && (
        <Fact name="retry of">
          <JobLink id={retryOf} />
        </Fact>
      )}
      {retriedAs !== null && (
        <Fact name="tried again as">
          <JobLink id={retriedAs} />
        </Fact>
      )}
    </dl>
  );
}

function Fact(props: {
  readonly name: string;
  readonly title?: string;
  readonly children: ComponentChildren;
}) {
  return (
    <div title={props.title}>
      <dt>{props.name}</dt>
      <dd class="mono">{props.children}</dd>
    </div>
  );
}

function JobLink({ id }: { readonly id: string }) {
  return (
    <a href={jobHash(id)} title={id}>
      {shortId(id)}
    </a>
  );
}
