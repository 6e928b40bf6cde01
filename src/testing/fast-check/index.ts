export { type BoxCommandsOptions, boxCommands, type Samples } from './box-commands.ts';
export type { BoxCommand, CommandEvent } from './command.ts';
export { type RunCommandsOptions, runCommands, StoryError, type StoryReport } from './run-commands.ts';
export type { StoryScenario } from './story.ts';
