import { signal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { Skeleton } from '../parts/messages.tsx';
import type { PageRoute, Route } from '../route.ts';

/** A page of the bar at the top. */
export interface PageLink {
  readonly page: Route['page'];
  readonly label: string;
  /** What opens it after `g`. */
  readonly key: string;
  readonly hash: string;
}

/** The pages, in the order of the bar. */
export const pageLinks: readonly PageLink[] = [
  { page: 'overview', label: 'Overview', key: 'o', hash: '#/overview' },
  { page: 'jobs', label: 'Jobs', key: 'j', hash: '#/jobs' },
  { page: 'durable', label: 'Durable', key: 'd', hash: '#/durable' },
  { page: 'actors', label: 'Actors', key: 'a', hash: '#/actors' },
  { page: 'queues', label: 'Queues', key: 'q', hash: '#/queues' },
  { page: 'schedules', label: 'Schedules', key: 's', hash: '#/schedules' },
  { page: 'timeline', label: 'Timeline', key: 't', hash: '#/timeline' },
  { page: 'machines', label: 'Machines', key: 'm', hash: '#/machines' },
];

/** A page that is loaded when it is first opened. */
export type LatePage = ComponentType<{ readonly route: PageRoute }>;

/** Loads a page when it is first shown: those who look at one page do not wait for all. */
export function late<Props extends object>(load: () => Promise<ComponentType<Props>>): ComponentType<Props> {
  const loaded = signal<{ readonly Page: ComponentType<Props> } | null>(null);
  let isAsked = false;
  return (props) => {
    if (!isAsked) {
      isAsked = true;
      void load().then((Page) => {
        loaded.value = { Page };
      });
    }
    if (loaded.value !== null) return <loaded.value.Page {...props} />;
    return (
      <main>
        <Skeleton />
      </main>
    );
  };
}
