import { useEffect } from 'preact/hooks';
import { attentionCount, dialog, isInPast, route, turnTheme } from '../app-state.ts';
import { bringIntoView, isMac } from '../browser.ts';
import { connection, isClosed, silentSeconds } from '../connection.ts';
import { pageLinks } from './pages.tsx';

const gotoKey = isMac() ? '⌘K' : 'Ctrl K';

/** The bar at the top: pages, go to, how well this page hears. */
export function Top() {
  const { page } = route.value;
  const shown = page === 'job' ? 'jobs' : page;
  const count = attentionCount.value ?? 0;
  // On a phone the names of the pages are wider than it is.
  useEffect(() => bringIntoView('.nav [aria-current=page]'), [shown]);
  return (
    <header>
      <div class="top">
        <a class="brand" href="#/overview">
          <svg viewBox="0 0 14 14" aria-hidden="true">
            <path fill="currentColor" d="M0 0h7v7H0zM7 7h7v7H7z" />
          </svg>
          Signalbox
        </a>
        <nav class="nav" aria-label="Pages">
          {pageLinks.map((link) => (
            <a key={link.page} href={link.hash} aria-current={link.page === shown ? 'page' : undefined}>
              {link.label}
              {link.page === 'overview' && count > 0 && (
                <span class="count" title={`${count} need attention`}>
                  {count}
                </span>
              )}
            </a>
          ))}
        </nav>
        <div class="tools">
          <button
            type="button"
            class="goto"
            aria-label={`Go to… ${gotoKey}`}
            onClick={() => {
              dialog.value = 'goto';
            }}
          >
            <svg class="g" viewBox="0 0 14 14" aria-hidden="true">
              <circle cx="6" cy="6" r="3.75" fill="none" stroke="currentColor" stroke-width="1.5" />
              <path stroke="currentColor" stroke-width="1.75" d="M9 9l3.5 3.5" />
            </svg>
            <span>Go to…</span>
            <kbd>{gotoKey}</kbd>
          </button>
          <Dot />
          <button type="button" class="icon" aria-label="Theme (T)" title="Theme (T)" onClick={turnTheme}>
            <svg viewBox="0 0 14 14" aria-hidden="true">
              <circle cx="7" cy="7" r="5.25" fill="none" stroke="currentColor" stroke-width="1.5" />
              <path fill="currentColor" d="M7 1.75a5.25 5.25 0 0 1 0 10.5z" />
            </svg>
          </button>
          <button
            type="button"
            class="icon"
            aria-label="Keys (?)"
            title="Keys (?)"
            onClick={() => {
              dialog.value = 'keys';
            }}
          >
            <svg viewBox="0 0 14 14" aria-hidden="true">
              <path
                fill="none"
                stroke="currentColor"
                stroke-width="1.5"
                d="M4.2 5C4.2 1.7 9.8 1.7 9.8 5 9.8 7 7 6.8 7 9"
              />
              <path fill="currentColor" d="M6.1 10.6h1.8v1.8H6.1z" />
            </svg>
          </button>
        </div>
      </div>
    </header>
  );
}

function Dot() {
  if (isInPast.value) return <span class="dot at">past</span>;
  if (connection.value === 'stale') return <span class="dot stale">no news for {silentSeconds} s</span>;
  if (connection.value === 'lost') return <span class="dot stale">reconnecting</span>;
  if (isClosed.value) return <span class="dot at">closed</span>;
  return <span class="dot">live</span>;
}
