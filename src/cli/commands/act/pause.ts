import type { Operator, QueuePauseOptions } from '../../../index.ts';
import { type Command, type CommandOption, UsageError } from '../../command.ts';
import { keyOf } from '../filter-options.ts';
import { acting, actingOptions, type Given } from './open-store.ts';

const argument = { name: 'queue', summary: "name of a queue (default: '')", isOptional: true };

const what: readonly CommandOption[] = [
  { flags: '--job <pattern>', summary: 'only definitions with such a name: mail.*' },
  { flags: '--key <limit/key>', summary: 'only one key of a limit, or a quota without keys' },
  { flags: '--agent <dispatcher/name>', summary: 'only one agent: UUID of its dispatcher, and its name' },
];

/** Pauses a queue, definitions in it, or one agent. */
export const pause: Command = {
  name: 'pause',
  argument,
  summary: 'pause a queue, definitions in it, or one agent; what runs goes on',
  options: [
    ...what,
    { flags: '--until <time>', summary: 'when it ends by itself: 10m, or an instant with an offset' },
    ...actingOptions,
  ],
  async run({ queue = '', until, ...given }) {
    const subject = subjectOf(queue, given);
    const end = until === undefined ? {} : { until };
    await acting(given, async (operator) => {
      if (subject.agent === null) await operator.pause(queue, { ...end, ...subject.part });
      else await operator.pauseAgent(queue, subject.agent.dispatcher, subject.agent.name, end);
    });
    return {
      isGood: true,
      lines: [`Paused ${subject.text}${until === undefined ? '' : `, until ${until}`}.`],
      json: { queue, ...subject.json, until: until ?? null, result: 'paused' },
    };
  },
};

/** Takes back what `pause` did. */
export const resume: Command = {
  name: 'resume',
  argument,
  summary: 'resume what was paused, with the same options',
  options: [...what, ...actingOptions],
  async run({ queue = '', ...given }) {
    const subject = subjectOf(queue, given);
    const wasPaused = await acting(given, (operator) => resumed(operator, queue, subject));
    return {
      isGood: wasPaused,
      lines: [
        wasPaused ? `Resumed ${subject.text}.` : `Nothing was changed: no pause of ${subject.text} lasts.`,
      ],
      json: { queue, ...subject.json, result: wasPaused ? 'resumed' : 'notPaused' },
    };
  },
};

interface Subject {
  readonly part: Pick<QueuePauseOptions, 'job' | 'key'>;
  readonly agent: { readonly dispatcher: string; readonly name: string } | null;
  readonly text: string;
  readonly json: { readonly job: string | null; readonly key: string | null; readonly agent: string | null };
}

function resumed(operator: Operator, queue: string, { part, agent }: Subject): Promise<boolean> {
  return agent === null
    ? operator.resume(queue, part)
    : operator.resumeAgent(queue, agent.dispatcher, agent.name);
}

function subjectOf(queue: string, { job, key, agent }: Given): Subject {
  const json = { job: job ?? null, key: key ?? null, agent: agent ?? null };
  const of = `queue '${queue}'`;
  if (Object.values(json).filter((given) => given !== null).length > 1)
    throw new UsageError('Expected one of --job, --key and --agent, got more.');
  if (job !== undefined) return { json, agent: null, part: { job }, text: `${job} in ${of}` };
  if (key !== undefined) return { json, agent: null, part: { key: keyOf(key) }, text: `${key} of ${of}` };
  if (agent === undefined) return { json, agent: null, part: {}, text: of };
  const [, dispatcher = '', name = ''] = /^([^/]+)\/([^/]+)$/.exec(agent) ?? [];
  if (name === '')
    throw new UsageError(
      'Expected --agent to be DISPATCHER/NAME: the UUID and the name stand in the inspector.',
    );
  return { json, part: {}, agent: { dispatcher, name }, text: `agent ${agent} of ${of}` };
}
