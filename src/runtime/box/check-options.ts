import { invalidOption } from '../../errors.ts';
import { checkKnown } from '../../model/checks/check-options.ts';
import { checkQueueName } from '../../model/checks/names.ts';
import type { Instrument } from '../environment/instruments.ts';
import type { SignalboxOptions } from './signalbox-options.ts';

/** Options that must be lists. Text would pass as a list of letters, which is never meant. */
const lists = ['jobs', 'machines', 'queues', 'schedules', 'filters', 'choosers', 'conditions'] as const;

/** The methods of options that are objects: a missing one would fail deep inside, or, in a logger, silently. */
const methods = {
  store: ['open'],
  logger: ['debug', 'info', 'warn', 'error'],
  codec: ['encode', 'decode'],
  clock: ['now'],
  reactor: ['callFromThread', 'callInThread', 'callLater', 'addSystemEventTrigger', 'callWhenRunning'],
  ids: ['newId', 'newUuid'],
  random: ['next'],
  threads: ['start'],
  files: ['read', 'write', 'environment'],
} as const satisfies { readonly [option in keyof SignalboxOptions]: readonly string[] };

const expected: { readonly [option: string]: string } = {
  store: "a store, such as memoryStore() or jsonStore('data/jobs')",
};

/** Refuses options of the wrong shape before anything is opened. @throws SignalboxError `INVALID_OPTION`, `INVALID_NAME`. */
export function checkOptions(options: SignalboxOptions): void {
  if (options?.store == null) refuse('store', options?.store);
  const others = ['retryPolicies', 'limits', 'uuid', 'instrument', 'intercept', 'threadModule', 'checkSteps'];
  checkKnown(options, [...lists, ...Object.keys(methods), ...others]);
  threadModuleOf(options);
  if (options.instrument != null) checkInstrument(options.instrument);
  if (options.intercept != null && typeof options.intercept !== 'function')
    throw invalidOption('intercept', 'a function', options.intercept);
  for (const option of lists) {
    const value: unknown = options[option];
    if (value != null && !Array.isArray(value)) refuse(option, value);
  }
  for (const queue of options.queues ?? []) checkQueueName(queue);
  for (const [place, schedule] of (options.schedules ?? []).entries())
    if (typeof schedule?.scheduleName !== 'string')
      throw invalidOption(
        `schedules[${place}]`,
        "what schedule('queue', 'name', { … }, job()) returns",
        schedule,
      );
  for (const option of ['retryPolicies', 'limits'] as const) {
    const value: unknown = options[option];
    if (value != null && (typeof value !== 'object' || Array.isArray(value))) refuse(option, value);
  }
  for (const [option, names] of Object.entries(methods)) {
    const value = options[option as keyof typeof methods] as
      | { readonly [name: string]: unknown }
      | null
      | undefined;
    if (value != null && names.some((name) => typeof value[name] !== 'function')) refuse(option, value);
  }
}

/** The URL of the module of threads, as text; null: there is none. @throws SignalboxError `INVALID_OPTION`. */
export function threadModuleOf({
  threadModule: given,
}: Pick<SignalboxOptions, 'threadModule'>): string | null {
  if (given == null) return null;
  const text = given instanceof URL ? given.href : given;
  const isUrl = typeof text === 'string' && URL.canParse(text);
  if (isUrl && ['file:', 'data:'].includes(new URL(text).protocol)) return text;
  throw invalidOption(
    'threadModule',
    "the URL of a file, such as new URL('./jobs.js', import.meta.url)",
    given,
  );
}

function checkInstrument(instrument: Instrument): void {
  checkKnown(instrument, ['put', 'start', 'end']);
  for (const [name, hook] of Object.entries(instrument))
    if (hook !== undefined && typeof hook !== 'function')
      throw invalidOption(`instrument.${name}`, 'a function', hook);
}

function refuse(option: string, value: unknown): never {
  throw invalidOption(option, expected[option] ?? shapeOf(option), value);
}

function shapeOf(option: string): string {
  if (lists.some((list) => list === option)) return `a list of ${option}`;
  const names = (methods as { readonly [name: string]: readonly string[] })[option];
  return names === undefined
    ? 'an object of names and values'
    : `an object with the methods ${names.join(', ')}`;
}
