import { isFailed } from '../../../model/jobs/step.ts';
import type { HistoryLine } from '../../protocol/job.ts';
import type { SequenceMessage } from '../../protocol/timeline.ts';

/** How a job is related to the one that the sequence is about. */
export type Role = 'itself' | 'parent' | 'callback' | 'awaited';

/** One entry, with what is known of who made it. */
export interface Told {
  readonly line: HistoryLine;
  readonly job: string;
  readonly name: string;
  readonly role: Role;
  /** Lane of its author: the agent that holds the job, or the author itself. */
  readonly sender: string;
  /** Lane of the job that it waits for from here on; null: none. */
  readonly awaited: string | null;
  /** When the job is due, as far as this entry says. */
  readonly due: number;
}

/** A message before its sender and its receiver have a lane. */
export type Message = Pick<SequenceMessage, 'text' | 'isBack' | 'isBad'> & {
  readonly from: string;
  readonly to: string;
};

/** Keys of lanes: `store`, `client`, `by/UUID`, `agent/UUID/NAME`, `job/ID`. */
export const storeLane = 'store';
export const jobLane = (id: string): string => `job/${id}`;

/** What an entry of the job itself, or of a neighbour, says as messages between lanes. Pure. */
export function messagesOf(told: Told, main: string): readonly Message[] {
  return told.job === main ? ownMessages(told) : neighbourMessages(told, main);
}

function ownMessages(told: Told): readonly Message[] {
  const { job, name, sender, line } = told;
  const { event, note, ending } = line;
  const own = jobLane(job);
  const text = shortNote(event, note);
  const isBad = ending !== null && isFailed(ending);
  switch (event) {
    case 'job.put':
      return [say(sender, storeLane, `put ${name}`), say(storeLane, own, 'job.put')];
    case 'job.claim':
      return [say(sender, storeLane, 'claim'), say(storeLane, own, 'job.claim')];
    case 'job.reschedule':
    case 'job.retry': {
      const { failed, rest } = splitNote(note);
      const then = say(
        sender,
        event === 'job.retry' ? own : storeLane,
        rest === '' ? event : `${event}, ${rest}`,
      );
      return failed === null ? [then] : [{ ...say(own, sender, failed), isBad: true }, then];
    }
    case 'job.finish':
    case 'job.abort':
      return [
        { ...say(own, sender, isBad ? (note ?? 'fails') : 'returns'), isBad, isBack: !isBad },
        { ...say(sender, storeLane, event), isBad },
      ];
    case 'job.wait':
      return told.awaited === null
        ? [say(own, storeLane, `waits ${note ?? ''}`.trim())]
        : [say(own, told.awaited, 'waits for its result')];
    case 'job.complete':
    case 'job.file':
      return [say(sender, storeLane, event)];
    default:
      return [{ ...say(sender, own, text), isBad: isBad && line.from !== line.to }];
  }
}

/** Of a neighbour only what concerns the job: that it begins, and how it ends. */
function neighbourMessages({ job, name, role, line, sender }: Told, main: string): readonly Message[] {
  const own = jobLane(job);
  const { event, from, to, ending } = line;
  const isOver = ending !== null && from !== to && (to === 'callbacks' || to === 'completed');
  const isBad = isFailed(ending);
  if (role === 'callback') {
    if (event === 'job.start') return [say(jobLane(main), own, `starts ${name}`)];
    return isOver ? [{ ...say(own, jobLane(main), ending), isBack: true, isBad }] : [];
  }
  if (role === 'awaited') return isOver ? [{ ...say(own, jobLane(main), ending), isBack: true, isBad }] : [];
  if (event === 'job.start') return [say(sender, own, 'job.start')];
  return isOver ? [{ ...say(own, storeLane, ending), isBad }] : [];
}

function say(from: string, to: string, text: string): Message {
  return { from, to, text, isBack: false, isBad: false };
}

function shortNote(event: string, note: string | null): string {
  return note === null || event === 'job.start' ? event : `${event}, ${note}`;
}

/** `ECONNRESET, again in 5 s`: what failed, and what follows. */
function splitNote(note: string | null): { readonly failed: string | null; readonly rest: string } {
  const at = note?.lastIndexOf(', again') ?? -1;
  if (note === null || at < 0) return { failed: null, rest: note ?? '' };
  const failed = note.slice(0, at);
  return { failed: failed === 'interrupted' ? null : failed, rest: note.slice(at + 2) };
}
