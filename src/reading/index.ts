/* What can be read from a store by a program that has none of its code: from `readStore`, from `box.store`, from a past. */
export type {
  ActorChildState,
  ActorExplanation,
  NextActorEvent,
  WaitingMessage,
  WaitingTimer,
} from './actors/actor-explanation.ts';
export { explainActor } from './actors/explain-actor.ts';
export { explainJob } from './explain.ts';
export type { KnownNames } from './explanation.ts';
export { type Facts, type Possibility, possible } from './possible.ts';
export { type RecordAt, recordAt } from './record-at.ts';
