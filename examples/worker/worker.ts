import { agent, createSignalbox, discoverJobs, handleSignals } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { postgresStore } from 'signalbox/postgres';

// A worker without a web server. `npx signalbox work --jobs ./jobs` does nearly the same without this file.
const { DATABASE_URL, WORKER_SIZE = '5' } = process.env;
const store =
  DATABASE_URL === undefined ? jsonStore('data/jobs') : postgresStore({ connectionString: DATABASE_URL });
const { jobs, schedules } = await discoverJobs(new URL('./jobs/', import.meta.url));
const box = await createSignalbox({ store, jobs, schedules });

// SIGTERM: no more jobs are taken. What runs has five seconds to end and two more to stop; the rest is handed back. Docker kills
// after ten seconds.
handleSignals(box, { grace: '5s', abort: '2s' });
await box.start({ agent: agent({ size: Number(WORKER_SIZE) }) });
console.log(`Runs ${jobs.map(({ definition }) => definition.name).join(', ')}, pid ${process.pid}`);
await box.stopped();
// A store that failed stops the box, too. With this exit code Docker and Kubernetes start the process again.
if (box.state === 'failed') process.exit(1);
