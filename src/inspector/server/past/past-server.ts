import { SignalboxError } from '../../../index.ts';
import { type PastBeside, readBeside } from '../../../store/json/recovery/read-store.ts';
import type { StoreFiles } from '../../../store/log.ts';
import { HeldPasts, type Hidden, type PastAnswer, type PastQuestion, type PastsSource } from './pasts.ts';

/** What a thread gets when it begins: what its views know beside the store. */
export interface PastThreadData {
  readonly name: string;
  readonly place: string;
}

/** A question to the thread, and how far the store is synced at the time. */
export interface PastRequest {
  readonly id: number;
  readonly store: StoreFiles;
  /** What definitions hide now. */
  readonly hidden: Hidden;
  readonly question: PastQuestion;
}

/** What comes back; `answer` null: there was no such subject. */
export type PastReply =
  | { readonly id: number; readonly answer: PastAnswer | null }
  | { readonly id: number; readonly failure: PastFailure };

/** An error on its way through a port: its code and details, or its text when it has none. */
export type PastFailure =
  | { readonly code: SignalboxError['code']; readonly details: object }
  | { readonly code: null; readonly message: string };

/** Answers questions about the past of a store that another thread writes, from its files alone. */
export function createPastServer(
  { name, place }: PastThreadData,
  ports: Pick<PastsSource, 'after'> & { readonly pause: PastsSource['sight']['pause'] },
): (request: PastRequest) => Promise<PastReply> {
  let newest: StoreFiles;
  let hides: Hidden;
  let beside: PastBeside | null = null;
  const pasts = new HeldPasts({
    after: ports.after,
    hidden: async () => hides,
    sight: { place, source: 'live', noPast: null, pause: ports.pause },
    async open() {
      beside = await readBeside(newest, { name });
      beside.grow(newest);
      return beside.past;
    },
  });
  return async ({ id, store, hidden, question }) => {
    try {
      newest = store;
      hides = hidden;
      beside?.grow(store);
      return { id, answer: (await pasts.answer(question)) ?? null };
    } catch (error) {
      return { id, failure: failureOf(error) };
    }
  };
}

function failureOf(error: unknown): PastFailure {
  if (error instanceof SignalboxError) return { code: error.code, details: error.details as object };
  return { code: null, message: error instanceof Error ? error.message : String(error) };
}

/** The error that a reply holds. */
export function errorOf(failure: PastFailure): Error {
  if (failure.code === null) return new Error(failure.message);
  return new SignalboxError(failure.code, failure.details as never);
}
