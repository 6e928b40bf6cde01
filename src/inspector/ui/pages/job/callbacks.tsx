import type { BranchView, CallbackJobView, CallbacksView, CallbackView } from '../../../protocol/job.ts';
import { durationText, numberText, shortId } from '../../format.ts';
import { State } from '../../parts/glyph.tsx';
import { valueText } from '../../parts/value.tsx';
import { jobHash } from '../../route.ts';

/** The callbacks of a job and theirs, with the result of each. */
export function Callbacks({ callbacks }: { readonly callbacks: CallbacksView }) {
  if (callbacks.nodes.length === 0)
    return (
      <p class="pad quiet">
        It has none. <code class="codeline">await job.addCallback(notify)</code> adds one.
      </p>
    );
  return (
    <div class="callbacks">
      <List callbacks={callbacks} />
    </div>
  );
}

function List({ callbacks }: { readonly callbacks: CallbacksView }) {
  return (
    <ul>
      {callbacks.nodes.map((node) => (
        <Node key={node.id} node={node} />
      ))}
      {callbacks.more > 0 && <li class="faint">{numberText(callbacks.more)} more</li>}
    </ul>
  );
}

function Node({ node }: { readonly node: CallbackView }) {
  if (node.is === 'job')
    return (
      <li>
        <JobLine job={node} />
        {node.callbacks.nodes.length > 0 && <List callbacks={node.callbacks} />}
      </li>
    );
  return (
    <li>
      <span class="quiet">one of</span>
      <ul>
        {node.branches.map((branch) => (
          <Branch key={branch.when ?? ''} branch={branch} />
        ))}
      </ul>
    </li>
  );
}

function Branch({ branch }: { readonly branch: BranchView }) {
  const { when, job, isChosen } = branch;
  return (
    <li class={isChosen === false ? 'faint' : undefined}>
      <span class="when">
        {isChosen === true ? '→ ' : ''}
        {when === null ? 'otherwise' : `when ${when}`}
      </span>{' '}
      {job === null ? <span class="quiet">the outcome is passed on</span> : <JobLine job={job} />}
      {job !== null && job.callbacks.nodes.length > 0 && <List callbacks={job.callbacks} />}
    </li>
  );
}

function JobLine({ job }: { readonly job: CallbackJobView }) {
  return (
    <span class="line">
      <State state={job.state} ending={job.ending} />
      <a href={jobHash(job.id)} title={job.id}>
        <b>{job.name}</b> {shortId(job.id)}
      </a>
      <span class="quiet cut">{resultOf(job)}</span>
      <span class="num faint">{job.runMs === null ? '' : durationText(job.runMs)}</span>
    </span>
  );
}

function resultOf({ outcome }: CallbackJobView): string {
  if (outcome === null) return '';
  return outcome.ok ? valueText(outcome.value) : `${outcome.failure.name}: ${outcome.failure.message}`;
}
