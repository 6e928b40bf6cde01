const width = 40;

/** Shows how far a run is: a bar on a terminal, elsewhere a line now and then. */
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

  /** What is printed next stands below the bar. */
  end(): void {
    this.#hasEnded = true;
    if (this.#out.isTTY) this.#out.write('\n');
  }
}
