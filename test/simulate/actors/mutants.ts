import type { SimulationMutant } from '../mutants.ts';

const stores = ['memory', 'json'] as const;
const turns = 'src/runtime/actors/make-turn.ts';
const dueMail = 'src/runtime/actors/due-mail.ts';

/** One safeguard of durable actors each. */
export const actorMutants: readonly SimulationMutant[] = [
  {
    name: 'run-token-ignored',
    without: 'the look whether an outcome is of the present run of a child',
    stores,
    edits: [
      {
        file: dueMail,
        find: 'return children.some((child) => child.run === run && child.id === from);',
        replace: 'return children.some((child) => child.run >= (run ?? 0) && from !== null);',
      },
    ],
  },
  {
    name: 'outcome-untold',
    without: 'the message to an actor in the commit of the outcome of its job',
    stores,
    edits: [
      {
        file: 'src/runtime/commits/letters.ts',
        find: 'all.push(outcomeLetter(change.job.reply, change.id, outcome, now()));',
        replace: '',
      },
    ],
  },
  {
    name: 'effects-before-commit',
    without: 'the jobs of a step in its commit',
    stores,
    edits: [
      {
        file: 'src/runtime/actors/actor-line.ts',
        find: 'for (const task of plan.jobs) await task(unit as BufferedUnit);',
        replace: 'for (const task of plan.jobs) await task(work);',
      },
    ],
  },
  {
    name: 'cancel-forgotten',
    without: 'the end of a timer that a machine calls off',
    stores,
    edits: [
      {
        file: 'src/model/durable/consequences.ts',
        find: 'this.#timers.cancel((action.params as { readonly sendId: string }).sendId);',
        replace: '',
      },
    ],
  },
  {
    name: 'timers-merged',
    without: 'a name of its own for each timer to which its machine gives none',
    stores,
    edits: [
      {
        file: 'src/model/durable/timers.ts',
        find: 'const own = id ?? unusedId(timers, seq);',
        replace: 'const own = id === undefined || !id.includes("after") ? unusedId(new Map(), 0) : id;',
      },
    ],
  },
  {
    name: 'null-lost',
    without: 'the mark of a null in a context',
    stores,
    edits: [
      {
        file: 'src/model/durable/freeze.ts',
        find: 'if (value === null) return { $null: 1 };',
        replace: 'if (value === null) return null;',
      },
    ],
  },
  {
    name: 'mail-overtakes-timer',
    without: 'the timers that were due when a message was sent, before that message',
    stores,
    edits: [{ file: dueMail, find: 'await this.takeTimers(message.at);', replace: '' }],
  },
  {
    name: 'message-kept',
    without: 'the end of a message in the commit of the step that takes it',
    stores,
    edits: [
      {
        file: dueMail,
        find: 'this.changes.push(taken(message, this.#now));',
        replace: 'if (message.run === null) this.changes.push(taken(message, this.#now));',
      },
    ],
  },
  {
    name: 'mail-overtaken',
    without: 'the empty mailbox that a step expects which did not read it',
    stores,
    edits: [
      {
        file: turns,
        find: "this.#expect.push({ check: 'noMail', id: this.#id });",
        replace: 'this.#expect.push();',
      },
    ],
  },
  {
    name: 'message-twice',
    without: 'the look for a message that came under the same id',
    stores,
    edits: [
      {
        file: turns,
        find: 'return (await this.#deps.work.read(',
        replace: "return id === '' && (await this.#deps.work.read(",
      },
      {
        file: 'src/runtime/actors/messages.ts',
        find: "check: 'rev', kind: 'message',",
        replace: "check: 'rev', kind: 'annotation',",
      },
    ],
  },
  {
    name: 'child-goes-on',
    without: 'the message that stops a child whose parent has left it',
    stores,
    edits: [
      {
        file: 'src/runtime/actors/turn.ts',
        find: 'parts.changes.push(putLetter(letter, stopLetterId));',
        replace: 'void letter;',
      },
    ],
  },
  {
    name: 'suspended-steps-on',
    without: 'the rest of an actor that is suspended',
    stores,
    edits: [
      {
        file: dueMail,
        find: 'await this.takeTimers(message.at);\n      if (this.#actor.isSuspended) return;\n      await this.#message(message);\n      if (this.#actor.isSuspended) return;',
        replace: 'await this.takeTimers(message.at);\n      await this.#message(message);',
      },
      {
        file: 'machines/actor.machine.ts',
        find: "'actor.resume': {",
        replace: "'actor.step': { actions: 'keep' },\n        'actor.resume': {",
      },
    ],
  },
  {
    name: 'timer-early',
    without: 'the wait until a timer is due',
    stores,
    edits: [
      {
        file: dueMail,
        find: 'const [timer] = dueTimers(this.#actor.there, Math.min(until, this.#now));',
        replace: 'const [timer] = dueTimers(this.#actor.there, Math.min(until, this.#now) + 1000);',
      },
    ],
  },
  {
    name: 'step-without-rev',
    without: 'the actor as it was read among what a step expects',
    stores,
    edits: [
      {
        file: turns,
        find: "expect.push(ifUnchanged(this.#read ?? { id: this.#id, rev: 0 }, 'actor'));",
        replace: 'expect.push();',
      },
    ],
  },
];
