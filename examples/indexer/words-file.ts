import { appendFile, readFile, truncate } from 'node:fs/promises';

/**
 * The source of the index: a line `[file, "word word …"]` for each recorded file. Lines are only appended.
 * An incomplete line does not count, so a process that is killed while it writes a line has recorded nothing.
 */
export class WordsFile {
  readonly #path: string;
  /** The recorded files; null until they are read. */
  #recorded: Set<string> | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Records a file unless it is already recorded. Resolves with the number of recorded files when the line is
   * on disk. Must not be called while another call runs: the quota ensures that.
   */
  async record(file: string, words: string): Promise<number> {
    this.#recorded ??= new Set((await this.lines()).map(([recorded]) => recorded));
    const recorded = this.#recorded;
    if (recorded.has(file)) return recorded.size;
    // A failed write may leave half a line. The next call of `lines` cuts it off.
    this.#recorded = null;
    await appendFile(this.#path, `${JSON.stringify([file, words])}\n`, { flag: 'as' });
    this.#recorded = recorded.add(file);
    return recorded.size;
  }

  /** Returns the complete lines, and removes an incomplete last line from the file. */
  async lines(): Promise<readonly (readonly [file: string, words: string])[]> {
    const bytes = await readFile(this.#path).catch(() => null);
    if (bytes === null) return [];
    const end = bytes.lastIndexOf('\n') + 1;
    if (end < bytes.length) await truncate(this.#path, end);
    const lines = bytes.toString('utf8', 0, end).split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as [string, string]);
  }
}
