import type { StoreKind } from './run-seed.ts';

/** What a worker process is asked for, as JSON in its first argument. */
export type Task =
  /** Seeds `from`, `from + step` … below `to`; of those that `replayEvery` divides, each twice. */
  | {
      readonly task: 'seeds';
      readonly store: StoreKind;
      readonly from: number;
      readonly to: number;
      readonly step: number;
      readonly replayEvery: number;
      /** Ends at the first seed that breaks something. */
      readonly endsAtFirst: boolean;
    }
  /** Random lives, and the model of the public calls: properties of fast-check, shrunk when they fail. */
  | {
      readonly task: 'properties';
      readonly store: Exclude<StoreKind, 'postgres'>;
      readonly seed: number;
      readonly lives: number;
      readonly models: number;
    };

/** One line of what a worker prints. */
export type News =
  | {
      readonly news: 'seed';
      readonly seed: number;
      readonly hash: string;
      readonly violations: readonly string[];
    }
  | { readonly news: 'replay'; readonly seed: number; readonly isSame: boolean }
  | { readonly news: 'end'; readonly cpuS: number }
  | {
      readonly news: 'property';
      readonly name: string;
      readonly runs: number;
      readonly failure: string | null;
    };
