import { randomUUID } from 'node:crypto';
import { promoteStore } from '../../../src/store/promotion/promote-store.ts';

// Promotes like the command and is killed right after a step. Without a step it promotes to the end.
const [connectionString = '', from = '', schema = '', killedAfter = ''] = process.argv.slice(2);

await promoteStore({
  from,
  connectionString,
  schema,
  ports: {
    now: () => Date.now(),
    defer: (run) => void setImmediate(run),
    newId: () => randomUUID(),
    report() {},
  },
  reached(step) {
    if (step === killedAfter) process.kill(process.pid, 'SIGKILL');
  },
});
