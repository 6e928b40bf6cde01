import type { AnyActorLogic, EventFromLogic, InputFrom } from 'xstate';
import { invalidOption } from '../../../errors.ts';
import { checkKnown, checkObject } from '../../../model/checks/check-options.ts';
import { checkName, checkQueueName } from '../../../model/checks/names.ts';
import type { DurableLogic, PreparedMachine, StoredSnapshot } from '../../../model/durable/machine.ts';
import { prepareMachine } from '../../../model/durable/prepare/prepare.ts';
import { checkRedaction } from '../../../model/values/redaction.ts';
import type { MachineSchemas, MachineSettings } from '../../definitions/machines.ts';
import { checkSchema } from '../../definitions/validation.ts';

/** The events that a program may send: those of the machinery are not among them. */
export type ExternalEvent<L extends AnyActorLogic> = Exclude<
  EventFromLogic<L>,
  { type: `xstate.${string}` | `signalbox.${string}` }
>;

/** What a start is given: the input that the machine asks for, or nothing. */
export type StartInput<L extends AnyActorLogic> =
  undefined extends InputFrom<L> ? [input?: InputFrom<L>] : [input: InputFrom<L>];

/** What of a machine is decided when it is defined. */
export interface MachineOptions<_L extends DurableLogic = DurableLogic> {
  /** Its actors are found by it. Default: the id of the machine; a reducer needs one. */
  readonly name?: string;
  /** Of a reducer; default '1'. A machine has its own. */
  readonly version?: string;
  /**
   * When a step throws that the flow cannot do without (a timer, an outcome of a child, mail of another actor): `suspend` keeps the
   * message and waits for a repair, `fail` ends the actor. Default `suspend`.
   */
  readonly onError?: 'suspend' | 'fail';
  /** Names of actions that are plain code and may be lost: they are called after the commit, at most once. */
  readonly transient?: readonly string[];
  /** Earlier versions, which step the actors that they started to their end. */
  readonly previous?: readonly DurableLogic[];
  /** By version: what makes an actor of that version one of a later version. */
  readonly migrate?: {
    readonly [version: string]: (
      old: StoredSnapshot,
    ) => Omit<StoredSnapshot, 'version'> & { readonly version?: string };
  };
  /** The queue of its child jobs. */
  readonly queue?: string;
  /** Paths of its context and its events that viewers, logs and exports do not show, such as `card.number`. */
  readonly redact?: readonly string[];
  /** What comes from outside has to pass these. */
  readonly schemas?: MachineSchemas;
}

/** A machine whose actors can be durable: what `defineMachine` returns. */
export interface MachineDefinition<L extends DurableLogic = DurableLogic> {
  readonly name: string;
  readonly logic: L;
  readonly options: MachineOptions<L>;
  /** For the runtime. */
  readonly prepared: PreparedMachine;
  readonly settings: MachineSettings;
  /** Carries the type of its events; never present at run time. */
  readonly _event?: ExternalEvent<L>;
}

const machineOptions = [
  'name',
  'version',
  'onError',
  'transient',
  'previous',
  'migrate',
  'queue',
  'redact',
  'schemas',
] as const satisfies readonly (keyof MachineOptions)[];

/**
 * Makes a machine of XState, or a reducer of `fromTransition`, one whose actors are durable. What cannot be durable is refused here, all
 * of it at once, each with its place and its repair.
 *
 * @example
 * ```ts
 * import { defineMachine } from 'signalbox';
 * import { assign, setup } from 'xstate';
 *
 * export const door = defineMachine(
 *   setup({
 *     types: { context: {} as { opened: number }, events: {} as { type: 'open' } | { type: 'close' } },
 *   }).createMachine({
 *     id: 'door',
 *     version: '1',
 *     context: { opened: 0 },
 *     initial: 'closed',
 *     states: {
 *       closed: { on: { open: { target: 'open', actions: assign({ opened: ({ context }) => context.opened + 1 }) } } },
 *       open: { on: { close: { target: 'closed' } }, after: { 60_000: { target: 'closed' } } },
 *     },
 *   }),
 * );
 * console.log(door.name); // => door
 * ```
 *
 * @throws SignalboxError `MACHINE_DIALECT`, `INVALID_OPTION`, `INVALID_NAME`, `INVALID_DURATION`.
 */
export function defineMachine<L extends DurableLogic>(
  logic: L,
  options: MachineOptions<L> = {},
): MachineDefinition<L> {
  checkOptions(options);
  if (options.version !== undefined && Object(logic).__xstatenode === true)
    throw invalidOption('version', 'absent: a machine has its own `version`', options.version);
  const { name, version, transient, migrate } = options;
  const previous = (options.previous ?? []).map((earlier) =>
    prepareMachine(earlier, { name: name ?? idOf(logic), transient: known(transient, earlier) }),
  );
  const prepared = prepareMachine(logic, { name, version, transient, migrate, previous });
  checkVersions([prepared, ...previous]);
  const settings = settingsOf(options);
  return Object.freeze({
    name: prepared.name,
    logic,
    options: Object.freeze({ ...options }),
    prepared,
    settings,
  });
}

function settingsOf({
  onError = 'suspend',
  queue = '',
  schemas = {},
  redact = [],
}: MachineOptions): MachineSettings {
  return { onError, queue, schemas, redact: [...redact], isOfParent: false };
}

function checkOptions(options: MachineOptions): void {
  checkKnown(options, machineOptions);
  const { name, version, onError = 'suspend', transient = [], previous = [], migrate = {} } = options;
  if (name !== undefined) checkName(name, 'the name of a machine');
  if (version !== undefined && (typeof version !== 'string' || version === ''))
    throw invalidOption('version', 'text', version);
  if (onError !== 'suspend' && onError !== 'fail')
    throw invalidOption('onError', "'suspend' or 'fail'", onError);
  if (!Array.isArray(transient) || !transient.every((each) => typeof each === 'string'))
    throw invalidOption('transient', 'a list of names of actions', transient);
  if (!Array.isArray(previous)) throw invalidOption('previous', 'a list of machines', previous);
  checkObject(migrate, 'migrate');
  for (const [from, change] of Object.entries(migrate))
    if (typeof change !== 'function') throw invalidOption(`migrate.${from}`, 'a function', change);
  const { queue, redact, schemas = {} } = options;
  if (queue !== undefined) checkQueueName(queue);
  checkRedaction(redact ?? []);
  checkSchemas(schemas);
}

function checkSchemas(schemas: NonNullable<MachineOptions['schemas']>): void {
  checkObject(schemas, 'schemas');
  checkKnown(schemas, ['input', 'events', 'context']);
  checkSchema(schemas.input, 'schemas.input');
  checkSchema(schemas.context, 'schemas.context');
  if (schemas.events === undefined) return;
  checkObject(schemas.events, 'schemas.events');
  for (const [type, schema] of Object.entries(schemas.events)) checkSchema(schema, `schemas.events.${type}`);
}

function checkVersions(machines: readonly PreparedMachine[]): void {
  const seen = new Set<string>();
  for (const { version } of machines) {
    if (seen.has(version))
      throw invalidOption('previous', 'machines of other versions, each once', `version ${version} twice`);
    seen.add(version);
  }
}

function idOf(logic: DurableLogic): string {
  return String((logic as { readonly id?: unknown }).id ?? '');
}

/** Of the names of actions, those that an earlier version has as well. */
function known(transient: readonly string[] | undefined, logic: DurableLogic): readonly string[] {
  const { implementations } = logic as { readonly implementations?: { readonly actions: object } };
  return (transient ?? []).filter((type) => Object.hasOwn(implementations?.actions ?? {}, type));
}
