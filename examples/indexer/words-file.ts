import { appendFile, readFile, truncate } from 'node:fs/promises';

/**
 * What the index is made from: a line `[file, "word word …"]` for each recorded file. It is only appended to, and a
 * line counts once it is whole, so a process killed in the middle of one has written nothing.
 */
export class WordsFile {
  readonly #path: string;
  /** The recorded files; null until they are read. */
  #recorded: Set<string> | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Records a file, unless it is recorded already, and returns how many are. The line is on disk when this resolves.
   * One call at a time, please: that is what the quota is for.
   */
  async record(file: string, words: string): Promise<number> {
    this.#recorded ??= new Set((await this.lines()).map(([recorded]) => recorded));
    const recorded = this.#recorded;
    if (recorded.has(file)) return recorded.size;
    // A failed write may have left half a line, which the next look at the file cuts off.
    this.#recorded = null;
    await appendFile(this.#path, `${JSON.stringify([file, words])}\n`, { flag: 'as' });
    this.#recorded = recorded.add(file);
    return recorded.size;
  }

  /** The whole lines; the beginning of one that was cut short is taken away. */
  async lines(): Promise<readonly (readonly [file: string, words: string])[]> {
    const bytes = await readFile(this.#path).catch(() => null);
    if (bytes === null) return [];
    const end = bytes.lastIndexOf('\n') + 1;
    if (end < bytes.length) await truncate(this.#path, end);
    const lines = bytes.toString('utf8', 0, end).split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as [string, string]);
  }
}
