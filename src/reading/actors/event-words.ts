import { durationText } from '../../time.ts';
import { eventWords as wordsOf } from '../coverage/compare/event-words.ts';

/** What the machinery calls an event, as a person would say it: `after reminder`, `charge is done`. Events of programs stay as they are. */
export function eventWords(event: string): string {
  return wordsOf(event, durationText);
}
