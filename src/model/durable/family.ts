import type { PreparedMachine } from './machine.ts';

/** Machines, and the machines that are their children: each name once, the first one that has it. */
export function familyOf(machines: Iterable<PreparedMachine>): ReadonlyMap<string, PreparedMachine> {
  const found = new Map<string, PreparedMachine>();
  const add = (machine: PreparedMachine): void => {
    if (found.has(machine.name)) return;
    found.set(machine.name, machine);
    for (const child of machine.children) add(child);
  };
  for (const machine of machines) add(machine);
  return found;
}
