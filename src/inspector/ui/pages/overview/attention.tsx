import type { AttentionItem, LinkTarget, TextPart } from '../../../protocol/overview.ts';
import { clockText } from '../../format.ts';
import { Glyph } from '../../parts/glyph.tsx';
import { Empty } from '../../parts/messages.tsx';
import { jobHash, jobsHash, pageHash } from '../../route.ts';

/** What needs a person, worst first; quiet when nothing does. */
export function Attention(props: {
  readonly items: readonly AttentionItem[];
  readonly rules: number;
  readonly at: number;
}) {
  const { items, rules, at } = props;
  return (
    <section aria-label="Needs attention">
      <div class="bar">
        <h1 class="label">Needs attention</h1>
        <span class="mono strong">{items.length}</span>
        <span class="end faint mono">
          {rules} rules asked at {clockText(at)}
        </span>
      </div>
      {items.length === 0 ? (
        <div class="rule">
          <Empty title="Nothing needs you.">Last looked {clockText(at)}.</Empty>
        </div>
      ) : (
        <ol class="attn rule">
          {items.map((item, index) => (
            <Item key={`${item.rule}${index}`} item={item} />
          ))}
        </ol>
      )}
    </section>
  );
}

function Item({ item }: { readonly item: AttentionItem }) {
  const fails = item.level === 'fails';
  const hash = item.link === null ? null : hashOf(item.link);
  return (
    <li class={fails ? 'bad' : 'warn'}>
      <span class={fails ? 'fails' : 'past'}>
        <Glyph name={fails ? 'failed' : 'warn'} />
        <span class="unseen">{fails ? 'fails' : 'warns'}</span>
      </span>
      <span class="what">
        <Parts parts={item.title} />
      </span>
      <span class="ev">
        <Parts parts={item.text} />
      </span>
      {hash !== null && (
        <span class="go">
          <a class="btn small" href={hash}>
            Open<span class="unseen"> what this is about</span>
          </a>
        </span>
      )}
    </li>
  );
}

function Parts({ parts }: { readonly parts: readonly TextPart[] }) {
  return (
    <>
      {parts.map((part, index) => {
        if (typeof part === 'string') return <span key={index}>{part}</span>;
        const hash = part.link === null ? null : hashOf(part.link);
        if (hash === null)
          return (
            <span key={index} class="mono">
              {part.name}
            </span>
          );
        return (
          <a key={index} class="mono" href={hash}>
            {part.name}
          </a>
        );
      })}
    </>
  );
}

/** Where a target is shown. */
function hashOf(target: LinkTarget): string {
  if (target.page === 'job') return jobHash(target.id);
  if (target.page === 'queue') return pageHash('queues', target.name);
  if (target.page === 'actor') return pageHash('durable', target.id);
  if (target.page === 'durable')
    return pageHash('durable', null, { machine: target.machine, status: target.status });
  if (target.page === 'dispatcher') return pageHash('actors', `dispatcher:${target.uuid}`);
  return jobsHash(target.list, target.queue, target.names.map((name) => `task:${name}`).join(' '));
}
