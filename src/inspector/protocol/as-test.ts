/** A history as a test file. */
export interface AsTestView {
  /** What the file may be called. */
  readonly file: string;
  readonly lines: readonly string[];
}
