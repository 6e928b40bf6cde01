import { invalidOption, type ShownIssue, SignalboxError } from '../../errors.ts';
import type { Definition } from './definition.ts';
import type { SchemaIssue, SchemaResult, StandardSchemaV1 } from './standard-schema.ts';

/** How many issues an error keeps, and how long each may be. */
const mostIssues = 50;
const longestText = 300;

/** A schema as `defineJob` is given it; null for none. @throws SignalboxError `INVALID_OPTION`. */
export function checkSchema(schema: unknown, option: string): StandardSchemaV1 | null {
  if (schema == null) return null;
  const isObject = typeof schema === 'object' || typeof schema === 'function';
  const standard = isObject ? (schema as Partial<StandardSchemaV1>)['~standard'] : undefined;
  if (standard?.version === 1 && typeof standard.validate === 'function') return schema as StandardSchemaV1;
  throw invalidOption(option, 'a schema with the Standard Schema interface, such as one of zod', schema);
}

/**
 * Refuses arguments that the schema of a definition refuses, at a put. A promise when the schema is asynchronous.
 * @throws SignalboxError `ARGS_INVALID`; what the schema throws.
 */
export function checkInput({ name, input }: Definition, args: readonly unknown[]): Promise<void> | undefined {
  if (input === null) return undefined;
  const judge = (result: SchemaResult<unknown>): void => {
    if (result.issues) throw argsInvalid(name, result.issues, 'put');
  };
  if (args.length > 1) throw argsInvalid(name, [tooMany(args)], 'put');
  const result = input['~standard'].validate(args[0]);
  if (result instanceof Promise) return result.then(judge);
  judge(result);
  return undefined;
}

/**
 * What the code of a definition gets for these arguments: as its schema makes it of them. What fails is no matter of the retry
 * policy: the same arguments would fail again.
 * @throws SignalboxError `ARGS_INVALID`; what the schema throws.
 */
export async function inputOf(
  { name, input }: Pick<Definition, 'name' | 'input'>,
  args: readonly unknown[],
): Promise<readonly unknown[]> {
  if (input === null) return args;
  const result: SchemaResult<unknown> =
    args.length > 1 ? { issues: [tooMany(args)] } : await input['~standard'].validate(args[0]);
  if (!result.issues) return [result.value];
  throw Object.assign(argsInvalid(name, result.issues, 'start'), { unrecoverable: true });
}

/** The result of a definition, as its schema makes it of what its code gave. @throws SignalboxError `RESULT_INVALID`. */
export async function resultOf(
  { name, output }: Pick<Definition, 'name' | 'output'>,
  value: unknown,
): Promise<unknown> {
  if (output === null) return value;
  const result = await output['~standard'].validate(value);
  if (!result.issues) return result.value;
  throw new SignalboxError('RESULT_INVALID', { name, issues: shownIssues('result', result.issues) });
}

/**
 * Refuses what the schema of a machine refuses: its input, or an event. A promise when the schema is asynchronous.
 * @throws SignalboxError `EVENT_INVALID`; what the schema throws.
 */
export function checkForMachine(
  schema: StandardSchemaV1 | undefined,
  about: { readonly machine: string; readonly what: string },
  value: unknown,
): Promise<void> | undefined {
  if (schema === undefined) return undefined;
  const judge = (result: SchemaResult<unknown>): void => {
    if (result.issues)
      throw new SignalboxError('EVENT_INVALID', { ...about, issues: shownIssues(about.what, result.issues) });
  };
  const result = schema['~standard'].validate(value);
  if (result instanceof Promise) return result.then(judge);
  judge(result);
  return undefined;
}

function argsInvalid(name: string, issues: readonly SchemaIssue[], at: 'put' | 'start'): SignalboxError {
  return new SignalboxError('ARGS_INVALID', { name, issues: shownIssues('input', issues), at });
}

function tooMany({ length }: readonly unknown[]): SchemaIssue {
  return { message: `${length} arguments, where a job with a schema takes one` };
}

/** What libraries say, as data: paths as one writes them, and no more than can be read. */
function shownIssues(root: string, issues: readonly SchemaIssue[]): readonly ShownIssue[] {
  return issues.slice(0, mostIssues).map(({ message, path }) => ({
    path: cut((path ?? []).reduce((text: string, part) => text + segment(part), root)),
    message: cut(String(message)),
  }));
}

function segment(part: PropertyKey | { readonly key: PropertyKey }): string {
  const key = typeof part === 'object' ? part.key : part;
  if (typeof key === 'number') return `[${key}]`;
  const text = String(key);
  return /^[A-Za-z_$][\w$]*$/.test(text) ? `.${text}` : `[${JSON.stringify(text)}]`;
}

function cut(text: string): string {
  return text.length <= longestText ? text : `${text.slice(0, longestText - 1)}…`;
}
