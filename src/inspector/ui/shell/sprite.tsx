const ring = <circle cx="6" cy="6" r="4.75" fill="none" stroke="currentColor" stroke-width="1.5" />;
const box = '0 0 12 12';

/** Every sign of the pages, once. They are drawn, since a character may become an emoji. */
export function Sprite() {
  return (
    <svg class="sprite" aria-hidden="true">
      <symbol id="g-new" viewBox={box}>
        {ring}
      </symbol>
      <symbol id="g-pending" viewBox={box}>
        {ring}
        <path fill="currentColor" d="M6 6V1.25A4.75 4.75 0 0 1 10.75 6Z" />
      </symbol>
      <symbol id="g-assigned" viewBox={box}>
        {ring}
        <path fill="currentColor" d="M6 1.25A4.75 4.75 0 0 1 6 10.75Z" />
      </symbol>
      <symbol id="g-running" viewBox={box}>
        <circle cx="6" cy="6" r="5.25" fill="currentColor" />
      </symbol>
      <symbol id="g-waiting" viewBox={box}>
        {ring}
        <path fill="currentColor" d="M6 1.25A4.75 4.75 0 0 0 6 10.75Z" />
      </symbol>
      <symbol id="g-callbacks" viewBox={box}>
        {ring}
        <path fill="currentColor" d="M6 6V1.25A4.75 4.75 0 1 1 1.25 6Z" />
      </symbol>
      <symbol id="g-succeeded" viewBox={box}>
        <path fill="none" stroke="currentColor" stroke-width="1.75" d="M1.5 6.5 4.75 9.75 10.5 2.5" />
      </symbol>
      <symbol id="g-failed" viewBox={box}>
        <path fill="none" stroke="currentColor" stroke-width="1.9" d="M2 2 10 10M10 2 2 10" />
      </symbol>
      <symbol id="g-aborted" viewBox={box}>
        {ring}
        <path stroke="currentColor" stroke-width="1.5" d="M2.8 9.2 9.2 2.8" />
      </symbol>
      <symbol id="g-expired" viewBox={box}>
        <path
          fill="none"
          stroke="currentColor"
          stroke-width="1.4"
          d="M2 1.2H10M2 10.8H10M3 1.2C3 4.5 6 5 6 6S3 7.5 3 10.8M9 1.2C9 4.5 6 5 6 6S9 7.5 9 10.8"
        />
      </symbol>
      <symbol id="g-timing-out" viewBox={box}>
        {ring}
        <path fill="none" stroke="currentColor" stroke-width="1.4" d="M6 3V6L8.2 7.6" />
      </symbol>
      <symbol id="g-cancelling" viewBox={box}>
        <path fill="currentColor" d="M1.5 1.5h9v9h-9z" />
      </symbol>
      <symbol id="g-cancelled" viewBox={box}>
        <path fill="none" stroke="currentColor" stroke-width="1.5" d="M2 2h8v8H2z" />
      </symbol>
      <symbol id="g-paused" viewBox={box}>
        <path fill="currentColor" d="M2.5 1.5h2.5v9H2.5zM7 1.5h2.5v9H7z" />
      </symbol>
      <symbol id="g-warn" viewBox={box}>
        <path fill="currentColor" d="M5 1h2v6.5H5zM5 9h2v2H5z" />
      </symbol>
      <symbol id="g-unknown" viewBox={box}>
        <path
          fill="none"
          stroke="currentColor"
          stroke-width="1.6"
          d="M3.2 3.6C3.2 1 8.8 1 8.8 3.7 8.8 5.6 6 5.4 6 7.6"
        />
        <path fill="currentColor" d="M5.1 9.2h1.8V11H5.1z" />
      </symbol>
      <pattern id="hatch" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <path class="hatch-line" d="M0 0V4" />
      </pattern>
    </svg>
  );
}
