/** Interim. */
export class Partitions {
  constructor(_parts: unknown) {}
  async begin(): Promise<void> {}
  async end(): Promise<void> {}
}
