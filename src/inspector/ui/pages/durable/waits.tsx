import type { ComponentChildren } from 'preact';
import type {
  DurableActorView,
  DurableChild,
  DurableMessage,
  DurableNext,
} from '../../../protocol/durable.ts';
import type { EndingName } from '../../../protocol/explanation.ts';
import { now } from '../../connection.ts';
import { durationText, instantText, numberText, shortId } from '../../format.ts';
import { Glyph, State } from '../../parts/glyph.tsx';
import { jobHash, pageHash } from '../../route.ts';
import { Life, stateText } from './life.tsx';

/** The events that it may take, and the guards that refuse them. */
export function Next({ view: { next, status, state } }: { readonly view: DurableActorView }) {
  if (status !== 'active' && status !== 'suspended') return null;
  return (
    <Part title="Next events" count={next?.length || null}>
      {next === null ? (
        <p class="pad quiet small">What comes next is known in a process that has its machine.</p>
      ) : next.length === 0 ? (
        <p class="pad quiet small">{state === '' ? 'A reducer takes any.' : 'There is none.'}</p>
      ) : (
        <table class="table">
          <tbody>
            {next.map((each) => (
              <NextLine key={each.event} next={each} />
            ))}
          </tbody>
        </table>
      )}
    </Part>
  );
}

function NextLine({ next: { event, guards, isOpen } }: { readonly next: DurableNext }) {
  const [glyph, word] =
    isOpen === null
      ? ['unknown', 'depends on what it carries']
      : isOpen
        ? ['succeeded', 'would be taken']
        : ['failed', 'refused now'];
  return (
    <tr>
      <td class="task">{event}</td>
      <td class="fit">{guards.length > 0 && <span class="quiet">if {guards.join(', ')}</span>}</td>
      <td class="fit">
        <span class={`st st-${glyph}`}>
          <Glyph name={glyph} />
          {word}
        </span>
      </td>
    </tr>
  );
}

/** Its timers, each with the time until then. */
export function Timers({ view }: { readonly view: DurableActorView }) {
  const { timers, timerCount, status } = view;
  if (timerCount === 0) return null;
  return (
    <Part title="Timers" count={timerCount}>
      <table class="table">
        <tbody>
          {timers.map(({ id, words, dueAt, to }) => (
            <tr key={id} title={id}>
              <td class="task">
                {words}
                {to !== null && <span class="faint"> to {to}</span>}
              </td>
              <td class="fit num">{instantText(dueAt, now.value)}</td>
              <td class="fit num">
                {status === 'suspended' ? (
                  <span class="past">waits</span>
                ) : dueAt <= now.value ? (
                  'due'
                ) : (
                  `in ${durationText(dueAt - now.value)}`
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Part>
  );
}

/** The messages that wait for it. */
export function Mail({ view: { mail } }: { readonly view: DurableActorView }) {
  if (mail.count === 0) return null;
  return (
    <Part title="Mail" count={mail.count}>
      <table class="table">
        <tbody>
          {mail.first.map((message) => (
            <tr key={message.id}>
              <td class="task">{message.event ?? <span class="faint">encrypted</span>}</td>
              <td class="fit">
                <From message={message} />
              </td>
              <td class="fit num">{durationText(now.value - message.at)} ago</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Part>
  );
}

function From({ message: { from } }: { readonly message: DurableMessage }) {
  if (from === null) return <span class="quiet">from a program</span>;
  const hash = from.kind === 'job' ? jobHash(from.id) : pageHash('durable', from.id);
  return (
    <a class="rowlink" href={hash} title={from.id}>
      from {from.kind === 'job' ? `job ${shortId(from.id)}` : from.id}
    </a>
  );
}

/** Its children: jobs and other actors. */
export function Children({ view: { children, childCount } }: { readonly view: DurableActorView }) {
  if (childCount === 0) return null;
  return (
    <Part title="Children" count={childCount}>
      <table class="table">
        <tbody>
          {children.map((child) => (
            <Child key={child.id} child={child} />
          ))}
        </tbody>
      </table>
    </Part>
  );
}

function Child({ child }: { readonly child: DurableChild }) {
  const { id, kind, src, target, state, at } = child;
  const isJob = kind === 'job';
  return (
    <tr>
      <td class="task">
        <a class="rowlink" href={isJob ? jobHash(target) : pageHash('durable', target)} title={target}>
          {id}
        </a>{' '}
        <span class="faint">
          {kind} {src === id ? '' : src}
        </span>
      </td>
      <td title={at ?? undefined}>{at !== null && at !== '' ? stateText(at) : ''}</td>
      <td class="fit">
        {state === null ? (
          <span class="quiet">no longer kept</span>
        ) : isJob ? (
          <State state={state} ending={child.ending as EndingName | null} />
        ) : (
          <Life status={state as never} />
        )}
      </td>
    </tr>
  );
}

function Part(props: {
  readonly title: string;
  readonly count: number | null;
  readonly children: ComponentChildren;
}) {
  return (
    <section aria-label={props.title}>
      <div class="bar">
        <h2 class="label">{props.title}</h2>
        {props.count !== null && <span class="mono quiet">{numberText(props.count)}</span>}
      </div>
      {props.children}
    </section>
  );
}
