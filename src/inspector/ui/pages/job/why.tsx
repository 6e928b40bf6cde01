import { useState } from 'preact/hooks';
import type { ConditionView, ExplanationView, RefView } from '../../../protocol/explanation.ts';
import type { JobView } from '../../../protocol/job.ts';
import type { Way } from '../../chart/way.ts';
import { now } from '../../connection.ts';
import { instantText, shortId } from '../../format.ts';
import { useKeys } from '../../keys.ts';
import { Glyph } from '../../parts/glyph.tsx';
import { jobHash, pageHash } from '../../route.ts';
import { lookOf } from '../../state.ts';

/** How many records beside a condition have a button. */
const mostRefs = 4;

/** The answer in one sentence, then all that was asked for it. Open by itself while the job waits. */
export function Why({ view, way }: { readonly view: JobView; readonly way: Way }) {
  const { explanation } = view;
  const hasMore = explanation.conditions.length > 0 || explanation.because.length > 0;
  const [choice, setChoice] = useState<boolean | null>(null);
  const isOpen = hasMore && way.isWhole && (choice ?? true);
  useKeys({ w: () => setChoice(!isOpen) });
  if (!way.isWhole) return <Then way={way} />;
  return (
    <section class={isOpen ? 'why open' : 'why'} aria-label="Why">
      <div class="said">
        <span class={way.isPast ? 'label past' : 'label'}>{way.isPast ? 'Why then' : 'Why'}</span>
        <Sentence
          explanation={explanation}
          withRemedy={
            !way.isPast &&
            (!isOpen || explanation.conditions.length === 0 || explanation.verdict.code === 'offered')
          }
        />
        {hasMore && (
          <button
            type="button"
            class="btn small end"
            aria-expanded={isOpen}
            onClick={() => setChoice(!isOpen)}
          >
            {isOpen ? 'Less' : 'All of it'} <kbd>w</kbd>
          </button>
        )}
      </div>
      {isOpen && <Conditions conditions={explanation.conditions} said={explanation.verdict.text} />}
      {isOpen && explanation.because.map((each) => <Because key={each.job} explanation={each} />)}
    </section>
  );
}

function Then({ way }: { readonly way: Way }) {
  const { word } = lookOf(way.state, way.ending);
  return (
    <section class="why" aria-label="Then">
      <div class="said">
        <span class="label past">Then</span>
        <p>
          <b>{capital(word)} since this entry.</b>{' '}
          <span class="quiet">
            {instantText(way.at, now.value, true)}
            {way.line?.note === null || way.line === null ? '' : `: ${way.line.note}`}. What stopped it then
            is not kept.
          </span>
        </p>
      </div>
    </section>
  );
}

/** Where each condition has its own remedy below, that of the verdict would be said twice; what is over needs none. */
function Sentence(props: { readonly explanation: ExplanationView; readonly withRemedy: boolean }) {
  const { text, remedy } = props.explanation.verdict;
  return (
    <p>
      <b>
        {capital(text)}
        {/[.!?]$/.test(text) ? '' : '.'}
      </b>{' '}
      <span class="quiet">{props.withRemedy ? remedy : ''}</span>
    </p>
  );
}

/** What does not hold first, each with its repair; then the rest, close together. */
function Conditions(props: { readonly conditions: readonly ConditionView[]; readonly said: string }) {
  const { conditions, said } = props;
  // An agent that refuses is beside the point while another one would take it.
  const isAgent = ({ code }: ConditionView): boolean => code.startsWith('agent:');
  const someAgentTakesIt = conditions.some((each) => isAgent(each) && each.holds === true);
  const stops = (each: ConditionView): boolean =>
    each.holds === false && !(isAgent(each) && someAgentTakesIt);
  const stopping = conditions.filter(stops);
  const others = conditions.filter((each) => !stops(each));
  return (
    <>
      {stopping.length > 0 && (
        <ol class="conds">
          {stopping.map((each) => (
            <li key={each.code} class="no">
              <span class="st st-failed">
                <Glyph name="failed" />
                <span class="unseen">no</span>
              </span>
              <span class="code" title={each.code}>
                {shortCode(each.code)}
              </span>
              <span>
                {each.text !== said && <span class="said-no">{capital(each.text)}. </span>}
                <span class={each.text === said ? 'said-no' : undefined}>{each.remedy}</span>
              </span>
              <span class="remedy">
                {each.refs.slice(0, mostRefs).map((ref) => (
                  <Ref key={`${ref.kind}${ref.id}`} to={ref} />
                ))}
                {each.refs.length > mostRefs && <span class="quiet">{each.refs.length - mostRefs} more</span>}
              </span>
            </li>
          ))}
        </ol>
      )}
      {others.length > 0 && (
        <ol class="conds two">
          {others.map((each) => (
            <li key={each.code}>
              <Answer holds={each.holds} />
              <span class="code cut" title={each.code}>
                {shortCode(each.code)}
              </span>
              <span class={each.holds === true ? undefined : 'aside'}>{each.text}</span>
            </li>
          ))}
        </ol>
      )}
    </>
  );
}

/** A code with the name of its record alone: `quota:payments`, `agent:main`. */
function shortCode(code: string): string {
  const [, kind = '', id = ''] = /^([^:]+):(.*)$/.exec(code) ?? [];
  const parts = id.split('/');
  return kind === '' ? code : `${kind}:${parts.at(-1)}`;
}

function Answer({ holds }: { readonly holds: boolean | null }) {
  const [glyph, word] =
    holds === null ? ['unknown', 'not known'] : holds ? ['succeeded', 'yes'] : ['new', 'no'];
  return (
    <span class={`st st-${glyph}`}>
      <Glyph name={glyph} />
      <span class="unseen">{word}</span>
    </span>
  );
}

function Ref({ to }: { readonly to: RefView }) {
  const slash = to.id.lastIndexOf('/');
  const hash =
    to.kind === 'job'
      ? jobHash(to.id)
      : to.kind === 'queue'
        ? pageHash('queues', to.id)
        : to.kind === 'quota'
          ? pageHash('queues', to.id.slice(0, slash))
          : null;
  if (hash === null) return null;
  return (
    <a class="btn small" href={hash} title={to.id}>
      Open <span class="mono">{to.kind === 'job' ? shortId(to.id) : to.id.slice(slash + 1) || "''"}</span>
    </a>
  );
}

function Because({ explanation }: { readonly explanation: ExplanationView }) {
  return (
    <div class="said because">
      <span class="label">Because</span>
      <p>
        <a class="mono" href={jobHash(explanation.job)} title={explanation.job}>
          {explanation.name} {shortId(explanation.job)}
        </a>
        : {explanation.verdict.text}. <span class="quiet">{explanation.verdict.remedy}</span>
      </p>
      {explanation.because.map((each) => (
        <Because key={each.job} explanation={each} />
      ))}
    </div>
  );
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
