/** Next calls this once when a server starts, before it answers requests; also for the edge runtime, where nothing can run. */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME !== 'nodejs') return;
  // Imported here, so that the edge runtime gets none of it.
  const [{ handleSignals }, { theJobs }] = await Promise.all([import('signalbox'), import('./signalbox.ts')]);
  const { box } = await theJobs();
  // With NEXT_MANUAL_SIG_HANDLE=true Next leaves signals to the program. Running jobs have three seconds to end.
  handleSignals(box, { grace: '3s' });
}
