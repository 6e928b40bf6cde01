const width = 40;

/** Shows the progress of a run: a bar on a terminal, otherwise a line for each tenth. */
export class Progress {
  readonly #out: NodeJS.WriteStream;
  #shownTenths = -1;
  #hasEnded = false;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  show(done: number, total: number): void {
    if (this.#hasEnded) return;
    const share = total === 0 ? 1 : done / total;
    const figures = `${done} of ${total} files`;
    if (this.#out.isTTY) {
      const full = Math.floor(share * width);
      this.#out.write(`\r[${'█'.repeat(full)}${'░'.repeat(width - full)}] ${figures}`);
    } else {
      const tenths = Math.floor(share * 10);
      if (tenths > this.#shownTenths) this.#out.write(`recorded ${figures}\n`);
      this.#shownTenths = Math.max(tenths, this.#shownTenths);
    }
  }

  /** Ends the bar, so that later output is printed below it. */
  end(): void {
    this.#hasEnded = true;
    if (this.#out.isTTY) this.#out.write('\n');
  }
}
