import type { AgentNode, DispatcherNode, DispatcherRecordState } from '../../../protocol/actors.ts';
import type { StateLook } from '../../state.ts';

const glyphs: Readonly<Record<string, string>> = {
  // The supervisor.
  starting: 'pending',
  recovering: 'pending',
  running: 'running',
  failed: 'failed',
  // A dispatcher.
  waiting: 'running',
  polling: 'running',
  stopping: 'callbacks',
  abandoned: 'aborted',
  returning: 'pending',
  // An agent.
  idle: 'new',
  claiming: 'pending',
  working: 'running',
  full: 'assigned',
  // More than one of them.
  stopped: 'new',
  closing: 'callbacks',
  draining: 'callbacks',
};

/** The look of the state of a live machine. */
export function machineLook(state: string): StateLook {
  return { glyph: glyphs[state] ?? 'unknown', word: state };
}

const records: Readonly<Record<DispatcherRecordState | 'not at work', string>> = {
  'at work': 'running',
  dead: 'new',
  deactivated: 'new',
  registered: 'pending',
  'not at work': 'new',
};

/** The look of a dispatcher: how it does, then where its machine is, then what its records say. */
export function dispatcherLook(of: Pick<DispatcherNode, 'state' | 'health' | 'record'>): StateLook {
  if (of.health === 'STUCK') return { glyph: 'failed', word: 'STUCK' };
  if (of.state !== null) return machineLook(of.state);
  return of.record === null
    ? { glyph: 'unknown', word: 'no record' }
    : { glyph: records[of.record], word: of.record };
}

/** The look of an agent: an error first, then where its machine is, then what its records say. */
export function agentLook(of: Pick<AgentNode, 'state' | 'record' | 'failure'>): StateLook {
  if (of.failure !== null) return { glyph: 'failed', word: 'fails' };
  if (of.state !== null) return machineLook(of.state);
  return { glyph: records[of.record], word: of.record };
}
