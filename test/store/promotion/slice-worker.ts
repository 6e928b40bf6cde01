import { movedSlice } from './slices.ts';

// Moves jobs as the command does, and is killed after a step was reached for the second time: in the middle of its work.
const [connectionString = '', dir = '', schema = '', limit = '', killedAfter = ''] = process.argv.slice(2);
let times = 0;

await movedSlice({ connectionString, dir, schema, limit: Number(limit) }, (step) => {
  if (step === killedAfter) times += 1;
  if (times === 2 || (step === killedAfter && ['opened', 'finished'].includes(step)))
    process.kill(process.pid, 'SIGKILL');
});
