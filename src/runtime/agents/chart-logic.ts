import {
  type ActorLogic,
  type AnyStateMachine,
  type ContextFrom,
  type EventFrom,
  type InputFrom,
  initialTransition,
  type Snapshot,
} from 'xstate';
import { compileChart } from '../../model/chart/compile.ts';

/** Where an actor stands in its chart. */
export type ChartSnapshot<Context> = Snapshot<undefined> & {
  readonly value: string;
  readonly context: Context;
};

/** The logic of an actor that takes its steps from the step table of a chart. */
export type ChartLogic<Machine extends AnyStateMachine> = ActorLogic<
  ChartSnapshot<ContextFrom<Machine>>,
  EventFrom<Machine>,
  InputFrom<Machine>
>;

/**
 * Returns a chart as the logic of an actor: the states, guards and assigns of the machine, from its step table. For an actor
 * that gets an event for every few jobs: a step costs about a twentieth. `effects`: what carries out those that the chart names,
 * each once the step is made.
 * @throws ChartError when the chart cannot be compiled.
 */
export function chartLogic<Machine extends AnyStateMachine>(
  machine: Machine,
  effects: Readonly<Record<string, () => void>>,
): ChartLogic<Machine> {
  type Context = ContextFrom<Machine>;
  const chart = compileChart(machine);
  const at = (value: string, context: Context): ChartSnapshot<Context> => ({
    status: 'active',
    output: undefined,
    error: undefined,
    value,
    context,
  });
  return {
    getInitialSnapshot(_scope, input) {
      const [{ context }] = initialTransition(machine, input as never);
      return at(chart.initial, context as Context);
    },
    transition(before, event, scope) {
      const step = chart.step(before.value, before.context, event as never);
      if (!step.moved) return before;
      for (const { type } of step.effects) {
        const carryOut = effects[type];
        if (carryOut === undefined) throw new Error(`Nothing carries out the effect ${type}.`);
        scope.defer(carryOut);
      }
      return at(
        step.to,
        step.patch === null ? before.context : Object.assign({}, before.context, step.patch),
      );
    },
    getPersistedSnapshot: (snapshot) => snapshot,
  };
}
