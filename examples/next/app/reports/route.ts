import { type Job, SignalboxError } from 'signalbox';
import { stepAnnotation } from '../../jobs.ts';
import { theJobs } from '../../signalbox.ts';

const answerOf: Readonly<Record<string, number>> = {
  INVALID_OPTION: 400,
  JOB_NOT_FOUND: 404,
  BOX_STOPPED: 503,
  QUEUE_FULL: 503,
  STORE_FULL: 503,
};

/** Puts a report. Answers when the job is on disk: after that, no crash loses it. */
export async function POST(request: Request): Promise<Response> {
  const { title, steps } = ((await request.json().catch(() => null)) ?? {}) as Partial<
    Record<string, unknown>
  >;
  if (typeof title !== 'string' || !(Number.isInteger(steps) && Number(steps) >= 1 && Number(steps) <= 1000))
    return refused(400, 'Expected {"title": a text, "steps": a whole number from 1 to 1000}.');
  const id = request.headers.get('idempotency-key');
  return answered(async () => {
    // The definition of the box, not the copy that this route would import.
    const { box, report } = await theJobs();
    const job = await box.queue().put(report(title, Number(steps)), id === null ? {} : { id });
    return Response.json(await statusOf(job), {
      status: 202,
      headers: { location: `/reports?id=${job.id}` },
    });
  });
}

/** Shows a report: `?id=ID`. */
export async function GET(request: Request): Promise<Response> {
  const id = new URL(request.url).searchParams.get('id') ?? '';
  return answered(async () => {
    const { box } = await theJobs();
    return Response.json(await statusOf(box.job<string>(id)));
  });
}

async function answered(work: () => Promise<Response>): Promise<Response> {
  try {
    return await work();
  } catch (error) {
    const status = error instanceof SignalboxError ? answerOf[error.code] : undefined;
    if (status === undefined) throw error;
    return refused(status, (error as Error).message);
  }
}

function refused(status: number, error: string): Response {
  return Response.json({ error }, { status });
}

/** Asks the store. @throws SignalboxError `JOB_NOT_FOUND`. */
async function statusOf(job: Job<string>) {
  const { id, args, status, ending, annotations, outcome } = await job.refresh();
  const progress = { done: annotations[stepAnnotation] ?? 0, of: args[1] };
  return { id, status, ending, progress, outcome };
}
