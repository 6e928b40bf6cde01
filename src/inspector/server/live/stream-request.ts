import type { StreamRequest } from '../../protocol/frames.ts';

/** A page asks for a few topics; each is a path. */
const mostTopics = 16;
const longestTopic = 2000;

/** Reads what a stream is asked for. Null: that is no such request. */
export function streamRequestOf(text: string): StreamRequest | null {
  const body = jsonOf(text);
  if (typeof body !== 'object' || body === null || !('topics' in body)) return null;
  const { topics } = body;
  const since = 'since' in body ? body.since : {};
  if (!Array.isArray(topics) || topics.length > mostTopics || !topics.every(isTopic)) return null;
  if (typeof since !== 'object' || since === null) return null;
  return { topics, since: Object.fromEntries(Object.entries(since).filter(([, at]) => isTopic(at))) };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isTopic(value: unknown): value is string {
  return typeof value === 'string' && value.length <= longestTopic;
}
