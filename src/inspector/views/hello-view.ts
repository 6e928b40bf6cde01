import type { Hello } from '../protocol/hello.ts';
import type { Sight } from './sight.ts';

/** What a page learns first, but for who looks. */
export function helloView({
  reader,
  place,
  source,
  noPast,
}: Sight): Omit<Hello, 'user' | 'level' | 'actions'> {
  return { v: 1, store: reader.name, place, source, noPast, keptFrom: reader.oldestSeq() };
}
