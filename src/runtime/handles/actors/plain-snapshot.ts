import type { SnapshotFrom } from 'xstate';
import type { DurableLogic } from '../../../model/durable/machine.ts';

/** A snapshot as data: what the result of a job can be. */
export interface PlainSnapshot<L extends DurableLogic> {
  readonly status: SnapshotFrom<L>['status'];
  /** The state value; of a reducer null. */
  readonly value: SnapshotFrom<L> extends { readonly value: infer Value } ? Value : null;
  readonly context: SnapshotFrom<L> extends { readonly context: infer Context } ? Context : never;
  readonly output: SnapshotFrom<L>['output'] | null;
}

/** The data of a snapshot. */
export function plainSnapshot<L extends DurableLogic>(snapshot: SnapshotFrom<L>): PlainSnapshot<L> {
  const {
    status,
    value = null,
    context,
    output = null,
  } = snapshot as {
    readonly status: never;
    readonly value?: unknown;
    readonly context: never;
    readonly output?: unknown;
  };
  return { status, value: value as never, context, output: output as never };
}
