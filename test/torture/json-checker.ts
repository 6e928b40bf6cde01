import { createSignalbox, type JobRecord } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import type { Campaign } from './campaign.ts';
import { RunChecker, type Verdict } from './run-checker.ts';
import { quotaSize } from './workload.ts';

/** Compares what the workers wrote with what the store holds, read by the code of the project and not by a mutant. */
export async function judge({ directory, ledger }: Campaign): Promise<Verdict> {
  const checker = new JsonChecker({ wrongEndings: 0 });
  checker.readLedger(ledger);
  const box = await createSignalbox({
    store: jsonStore(directory, { historyMaxBytes: Number.MAX_SAFE_INTEGER }),
    jobs: [],
  });
  try {
    await checker.compare(box.store, { boxPrefix: 'box' });
  } finally {
    await box.stop();
  }
  return checker.verdict();
}

/** `wrongEndings`: jobs of the deploy that did not succeed. One process lives at a time, so the order of the ledger is the order of what happened. */
class JsonChecker extends RunChecker<'wrongEndings'> {
  readonly #done = new Set<string>();
  readonly #running = new Set<string>();

  protected isAskable(id: string): boolean {
    return /^\d+-\d+$/.test(id);
  }

  /** A process that does not know a definition leaves its jobs, and its callbacks, to one that does. */
  protected override checkJob({ id, name, state, ending }: JobRecord): void {
    const isOfDeploy = name === 'renewed' || name === 'handing';
    if (isOfDeploy && state === 'completed' && ending !== 'succeeded')
      this.count('wrongEndings', `${id} (${name}) is ${ending}`);
  }

  /** A new life has nothing running. */
  protected readOwn(word: string, id: string, [name]: readonly string[]): void {
    if (word === 'life') this.#running.clear();
    else if (word === 'end') this.#running.delete(id);
    else if (word === 'done') this.#completed(id);
    else if (word === 'start') this.#started(id, name);
  }

  #started(id: string, name: string | undefined): void {
    if (this.#done.has(id)) this.count('doubleCompletions', `${id} was started after its completion`);
    if (name !== 'narrow') return;
    this.#running.add(id);
    if (this.#running.size > quotaSize) this.count('quotaExceeded', `${[...this.#running]} ran at once`);
  }

  #completed(id: string): void {
    if (this.#done.has(id)) this.count('doubleCompletions', `${id} was completed twice`);
    this.#done.add(id);
  }
}
