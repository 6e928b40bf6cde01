/** What a person can do here. */
export type ActionName = 'cancel' | 'pause' | 'resume' | 'pauseAgent' | 'resumeAgent';

/** What `POST api/v1/actions` is asked for. */
export interface ActionRequest {
  /** Names this action: sent again within ten minutes it is done once, and answered alike. */
  readonly key: string;
  readonly action: ActionName;
  /** Id of a job; name of a queue; for an agent `<queue>/<dispatcher>/<name>`. */
  readonly target: string;
  /** The pattern of the definitions that a pause of a queue is about; null: all. */
  readonly job: string | null;
  readonly reason: string | null;
}

/** What an action has led to. */
export interface ActionAnswer {
  /** In a sentence. */
  readonly text: string;
}
