import { checkKnown } from '../../model/checks/check-options.ts';
import { checkName, checkQueueName } from '../../model/checks/names.ts';
import { checkBox } from '../dispatchers/dispatcher-host.ts';
import { type AgentSettings, agent, checkSettings } from '../handles/agents.ts';
import { internals } from './internals.ts';
import type { DispatcherHook } from './lifecycle-listeners.ts';

/** A Signalbox, as far as the installation of agents needs it. */
export interface AgentBox {
  on(event: 'dispatcherActivated', hook: DispatcherHook): () => void;
}

/** Options of an installed agent. */
export interface AgentInstallation {
  /** Name of the agent, unique within one queue of a dispatcher. */
  readonly name: string;
  /** Default: size 3, any job. */
  readonly settings?: AgentSettings;
  /** Queues that get it. Default: all, also those made later. */
  readonly queues?: readonly string[];
}

/**
 * Gives queues an agent whenever a dispatcher of this process is activated in them. An agent of the name that is
 * there already stays as it is: what is stored wins over what the code says. A reactivation adds nothing.
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
  const settings = installation.settings ?? agent();
  checkSettings(settings);
  return box.on('dispatcherActivated', async ({ representation }) => {
    const { queue, agents } = representation;
    if (queues !== null && !queues.includes(queue)) return;
    const isThere = (await agents.get(name)) !== null;
    if (!isThere) await agents.set(name, settings);
    internals(box).context.log.events('INFO', () =>
      isThere
        ? `agent '${name}' is already in queue '${queue}'`
        : `agent '${name}' added to queue '${queue}'`,
    );
  });
}
