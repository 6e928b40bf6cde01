import type { ComponentChildren } from 'preact';
import type { Steps } from './steps.ts';

/** What a time bar shows, and how it moves. */
export interface TimeBarProps {
  /** The two ends of its scale. */
  readonly from: number;
  readonly to: number;
  /** The moment of the page; `at`: its instant. */
  readonly seq: number;
  readonly at: number;
  readonly isPast: boolean;
  readonly steps: Steps;
  /** The entry at an instant of the scale; null: now. */
  readonly seqAt: (at: number) => number | null;
  readonly goTo: (seq: number | null) => void;
  /** The entry to show next while it plays; null: now. */
  readonly next: (seq: number, ms: number) => number | null;
  /** What it is a scale of, for those who hear it. */
  readonly label: string;
  /** What is drawn: `at` is where the cursor stands. */
  readonly children: (at: number) => ComponentChildren;
}
