// The interface of https://standardschema.dev, version 1, as its package @standard-schema/spec declares it. Its authors allow
// everyone to copy it, so no package is needed.

/** What zod, valibot, arktype and other libraries call a schema. `Input`: what it accepts; `Output`: what it makes of that. */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  readonly '~standard': StandardSchemaProps<Input, Output>;
}

/** The properties of a schema. */
export interface StandardSchemaProps<Input = unknown, Output = Input> {
  /** The version of the interface. */
  readonly version: 1;
  /** The name of the library. */
  readonly vendor: string;
  readonly validate: (
    value: unknown,
    options?: { readonly libraryOptions?: Record<string, unknown> | undefined } | undefined,
  ) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
  /** For types only: it need not be there. */
  readonly types?: { readonly input: Input; readonly output: Output } | undefined;
}

/** What a schema says to a value: the value that it makes of it, or what is wrong. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One thing that is wrong with a value. */
export interface SchemaIssue {
  readonly message: string;
  /** Where in the value. Default: the value itself. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The type that a schema accepts. */
export type InferInput<Schema extends StandardSchemaV1> = NonNullable<Schema['~standard']['types']>['input'];

/** The type of what a schema makes of what it accepts. */
export type InferOutput<Schema extends StandardSchemaV1> = NonNullable<
  Schema['~standard']['types']
>['output'];
