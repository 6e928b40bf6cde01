import type { StoreReader } from '../../../store/reader.ts';
import type { OpenStore } from '../../../store/store.ts';
import type { Sight } from '../../views/sight.ts';
import { after, pause, startPastThread } from './past-port.ts';
import { HeldPasts, type Hidden, noPasts, type Pasts, refuseTooMany } from './pasts.ts';
import { ThreadedPasts } from './threaded-pasts.ts';

const jobByJob = 'a store that shows the past of single jobs alone';

/** The pasts of a store, and why it has none; null: it has. */
export interface PastsOf {
  readonly pasts: Pasts;
  readonly noPast: string | null;
}

type Facts = Pick<Sight, 'place' | 'source'>;

/** The pasts of a store at work: read by another thread where its files can be, else in this one. */
export function pastsOfStore(store: OpenStore, facts: Facts): PastsOf {
  const { past, files, name } = store;
  if (past === null) return none;
  const check = () => refuseTooMany(store);
  const open = async () => {
    await check();
    return past();
  };
  const hidden = () => hiddenIn(store);
  const inside = new HeldPasts({ open, hidden, after, sight: { ...facts, noPast: null, pause } });
  if (files === null) return { pasts: inside, noPast: null };
  const threaded = { ...facts, name, files, hidden, check, after, start: startPastThread, instead: inside };
  return { pasts: new ThreadedPasts(threaded), noPast: null };
}

/** The pasts of a store that is read without being opened. It stays at its end. */
export function pastsOfReader(reader: StoreReader, facts: Facts): PastsOf {
  const { fork } = reader as Partial<{ fork: unknown }>;
  if (typeof fork !== 'function') return none;
  const past = reader as StoreReader & { fork(): ReturnType<NonNullable<OpenStore['past']>> };
  const open = async () => {
    await refuseTooMany(reader);
    return past.fork();
  };
  const hidden = () => hiddenIn(reader);
  const sight = { ...facts, noPast: null, pause };
  return { pasts: new HeldPasts({ open, hidden, after, sight }), noPast: null };
}

async function hiddenIn(reader: Pick<StoreReader, 'get'>): Promise<Hidden> {
  return (await reader.get('store', 'store'))?.redactions;
}

const none: PastsOf = {
  pasts: noPasts(jobByJob),
  noPast: 'This store shows the present; open a job to step through its past.',
};
