import type { CheckedMachine } from '../index.ts';
import { type CommandOption, UsageError } from './command.ts';
import { exportsOf } from './ports.ts';

/** The machines that a module exports, alone or in lists. @throws UsageError when there is none. */
export async function machinesIn(file: string): Promise<readonly CheckedMachine[]> {
  const found = Object.values(await exportsOf(file))
    .flat()
    .filter(isMachine);
  if (found.length > 0) return found;
  throw new UsageError(`Expected ${file} to export what defineMachine returns, found none.`);
}

/** Where machines of the program are. */
export const definitionsOption: CommandOption = {
  flags: '--definitions <file>',
  summary: 'the module that exports the machines of the new release',
};

function isMachine(value: unknown): value is CheckedMachine {
  return typeof value === 'object' && value !== null && 'prepared' in value && 'name' in value;
}
