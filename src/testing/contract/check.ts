import type { Store } from '../../index.ts';

/** Makes a new, empty, closed store. Its second opening must find what the first one wrote. */
export type MakeStore = () => Store | Promise<Store>;

/** One fact that holds for every store. `run` rejects when it does not. */
export interface ContractCheck {
  readonly name: string;
  run(makeStore: MakeStore): Promise<void>;
}
