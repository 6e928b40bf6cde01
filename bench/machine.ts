import { deepStrictEqual } from 'node:assert';
import { createRequire } from 'node:module';
import { type JobContext, type JobEvent, jobMachine } from 'signalbox/machines';
import { actorLife, freshContext, life } from './measures/bare-life.ts';
import { median } from './measures/statistics.ts';

/** The cost of one job life in three ways. Times are microseconds, medians over the rounds. */
export interface Figures extends Record<string, unknown> {
  /** Compiled life ÷ createActor life. */
  readonly stepRatio: number;
  /** One life of the job chart, put to completed, through the compiled chart, with one record copy per step. */
  readonly compiledUs: number;
  /** The same life through `machine.transition` with one reused scope. */
  readonly machineTransitionUs: number;
  /** The same life as an actor: createActor, start, one send per step, stop. */
  readonly createActorUs: number;
  /** One step of the compiled chart alone, without the record copy. */
  readonly compiledStepUs: number;
  readonly stepsPerLife: number;
  readonly rounds: number;
  readonly livesPerRound: number;
}

type JobRecord = JobContext & { readonly id: string; readonly rev: number; readonly state: string };
type CopyJob = (job: JobRecord) => Record<string, unknown>;

/** Measures one job life through the compiled chart and through XState itself, in turns in one run. */
export async function run({
  quick,
  jobs: livesPerRound = quick ? 400 : 1_500,
  rounds = quick ? 9 : 31,
}: {
  readonly quick: boolean;
  readonly jobs?: number;
  readonly rounds?: number;
}): Promise<Figures> {
  refuseDevelopmentBuild();
  const compiled = await compiledLives();
  const ways = {
    compiled: compiled.live,
    machineTransition: transitionLife(),
    createActor: actorLife,
    compiledSteps: compiled.stepThrough,
  };
  deepStrictEqual(contextOf(ways.compiled()), ways.machineTransition());
  deepStrictEqual(contextOf(ways.compiled()), ways.createActor());

  const times = interleave(Object.values(ways), rounds, livesPerRound);
  const [compiledUs = 0, machineTransitionUs = 0, createActorUs = 0, stepsUs = 0] = times.map(median);
  return {
    stepRatio: compiledUs / createActorUs,
    compiledUs,
    machineTransitionUs,
    createActorUs,
    compiledStepUs: stepsUs / life.length,
    stepsPerLife: life.length,
    rounds,
    livesPerRound,
  };
}

interface Chart {
  step(
    state: string,
    context: JobContext,
    event: JobEvent,
  ): { moved: false } | { moved: true; to: string; patch: Partial<JobContext> | null };
}

/** The compiler and the copying of records are not exported by the package, so this names their built files. */
async function compiledLives() {
  const built = (path: string) => import(new URL(`../dist/src/model/${path}`, import.meta.url).href);
  const { compileChart } = (await built('chart/compile.js')) as { compileChart: (machine: object) => Chart };
  const { copyJob } = (await built('copy-job.js')) as { copyJob: CopyJob };
  const chart = compileChart(jobMachine);
  const fresh = copyJob({ id: 'j1', rev: 0, state: 'new', ...freshContext() }) as unknown as JobRecord;
  const before: JobRecord[] = [];

  function live(): JobRecord {
    let record = fresh;
    for (const event of life) {
      const step = chart.step(record.state, record, event);
      if (!step.moved) throw new Error(`Expected ${event.type} to be taken in ${record.state}.`);
      const next = copyJob(record);
      for (const key in step.patch) next[key] = step.patch[key as keyof JobContext];
      next.state = step.to;
      next.rev = record.rev + 1;
      record = next as unknown as JobRecord;
    }
    return record;
  }

  let record = fresh;
  for (const event of life) {
    before.push(record);
    const step = chart.step(record.state, record, event);
    if (step.moved) record = { ...record, ...step.patch, state: step.to };
  }

  function stepThrough(): number {
    let moved = 0;
    for (let at = 0; at < life.length; at += 1) {
      const record = before[at] as JobRecord;
      if (chart.step(record.state, record, life[at] as JobEvent).moved) moved += 1;
    }
    return moved;
  }
  return { live, stepThrough };
}

function transitionLife(): () => JobContext {
  const nothing = () => {};
  const scope = {
    self: {},
    system: { _sendInspectionEvent: nothing },
    actionExecutor: nothing,
    defer: nothing,
    emit: nothing,
  } as never;
  const context = freshContext();
  return () => {
    let snapshot = jobMachine.resolveState({ value: 'new', context });
    for (const event of life) snapshot = jobMachine.transition(snapshot, event, scope) as typeof snapshot;
    return snapshot.context;
  };
}

/** The keys that the chart knows, without the keys that only a stored record has. */
function contextOf(record: JobRecord): JobContext {
  const known = Object.keys(freshContext()) as (keyof JobContext)[];
  return Object.fromEntries(known.map((key) => [key, record[key]])) as unknown as JobContext;
}

/** Runs each way once per round, in turns, so that a slow moment of the machine affects all of them. */
function interleave(ways: readonly (() => unknown)[], rounds: number, lives: number): number[][] {
  const times = ways.map((): number[] => []);
  const warmUp = 3;
  for (let round = -warmUp; round < rounds; round += 1) {
    for (const [index, way] of ways.entries()) {
      const begin = performance.now();
      for (let at = 0; at < lives; at += 1) way();
      const us = ((performance.now() - begin) * 1_000) / lives;
      if (round >= 0) times[index]?.push(us);
    }
  }
  return times;
}

function refuseDevelopmentBuild(): void {
  const file = createRequire(import.meta.url).resolve('xstate');
  if (file.includes('development')) {
    throw new Error(`Expected the production build of xstate, got ${file}. Drop the development condition.`);
  }
}
