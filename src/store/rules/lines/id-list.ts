import { Pieces } from './pieces.ts';

/** Ids in their order, each once. */
export class IdList {
  readonly #all = new Pieces<string>((one, other) => one < other);

  add(id: string): void {
    this.#all.add(id);
  }

  /** An id that is here. */
  drop(id: string): void {
    this.#all.drop(id);
  }

  /** The ids behind one, which need not be here. */
  *behind(id: string): Generator<string> {
    for (const each of this.#all.from(id)) if (each !== id) yield each;
  }
}
