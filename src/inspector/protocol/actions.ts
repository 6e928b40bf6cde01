/** What a person can do here. `bulk`: something to all jobs that a filter finds. */
export type ActionName =
  | 'cancel'
  | 'retry'
  | 'bulk'
  | 'pause'
  | 'resume'
  | 'pauseAgent'
  | 'resumeAgent'
  | 'pauseSchedule'
  | 'resumeSchedule'
  | 'triggerSchedule'
  | 'suspendActor'
  | 'resumeActor'
  | 'skipActor'
  | 'stopActor';

/** What `POST api/v1/actions` is asked for. */
export interface ActionRequest {
  /** Names this action: sent again within ten minutes it is done once, and answered alike. */
  readonly key: string;
  readonly action: ActionName;
  /**
   * Id of a job, or of a durable actor; name of a queue; for an agent `<queue>/<dispatcher>/<name>`, for a schedule `<queue>/<name>`; for `bulk` what is done:
   * `cancel` or `retry`.
   */
  readonly target: string;
  /** The pattern of the definitions that a pause of a queue is about; null: all. */
  readonly job: string | null;
  readonly reason: string | null;
  /** The jobs that `bulk` means; null for other actions. */
  readonly many: ManyJobs | null;
}

/** Jobs that a filter finds. */
export interface ManyJobs {
  /** As `box.jobs` takes it. */
  readonly filter: { readonly [part: string]: unknown };
  /** How many the person saw, at most `mostCounted`; null: count them, and do nothing. */
  readonly seen: number | null;
}

/** So many jobs are counted before something is done to all of them. */
export const mostCounted = 1000;

/** What an action has led to. */
export interface ActionAnswer {
  /** In a sentence. */
  readonly text: string;
  /** The job that it made; null: none. */
  readonly job: string | null;
  /** How many jobs were counted, at most `mostCounted`; null: none were asked for. */
  readonly count: number | null;
}
