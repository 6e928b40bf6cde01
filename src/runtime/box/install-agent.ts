import { checkKnown } from '../../model/checks/check-options.ts';
import { checkName, checkQueueName } from '../../model/checks/names.ts';
import { type AgentSettings, checkSettings } from '../definitions/agent-settings.ts';
import { checkBox } from '../dispatchers/dispatcher-host.ts';
import type { DispatcherHook } from './lifecycle-listeners.ts';

/** A Signalbox, as far as the installation of agents needs it. */
export interface AgentBox {
  on(event: 'dispatcherActivated', hook: DispatcherHook): () => void;
}

/** Options of an installed agent. */
export interface AgentInstallation {
  /** Name of the agent, unique within one queue of a dispatcher. */
  readonly name: string;
  /** Default: size 3 and any job, for an agent that is not there yet. */
  readonly settings?: AgentSettings;
  /** Queues that get it. Default: all, also those made later. */
  readonly queues?: readonly string[];
}

/**
 * Gives queues an agent whenever a dispatcher of this process is activated in them. An agent of the name that is
 * there already gets these settings: the code wins over what is stored, and what changes is logged at INFO. Only an agent
 * that an operator has pinned (`agents.set(name, settings, { pinned: true })`) stays as it is. A reactivation adds nothing.
 *
 * @returns a function that ends it; agents that were added stay.
 *
 * @example
 * ```ts
 * import { agent, createSignalbox, installAgent, memoryStore } from 'signalbox';
 *
 * const box = await createSignalbox({ store: memoryStore(), queues: ['mail'] });
 * installAgent(box, { name: 'mailer', settings: agent({ size: 10 }), queues: ['mail'] });
 * await box.start();
 * const representation = await box.queue('mail').dispatchers.get(box.uuid);
 * console.log(await representation.agents.names()); // => [ 'mailer', 'main' ]
 * await box.stop();
 * ```
 *
 * @throws SignalboxError `INVALID_NAME`, `INVALID_OPTION`.
 */
export function installAgent(box: AgentBox, installation: AgentInstallation): () => void {
  checkBox(box);
  checkKnown(installation, ['name', 'settings', 'queues']);
  const name = checkName(installation.name, 'an agent name');
  const queues = installation.queues?.map(checkQueueName) ?? null;
  const settings = installation.settings ?? null;
  if (settings !== null) checkSettings(settings);
  return box.on('dispatcherActivated', async ({ representation }) => {
    if (queues === null || queues.includes(representation.queue))
      await representation.agents.ensure(name, settings);
  });
}
