import type { ComponentChildren } from 'preact';
import type { Problem } from '../../protocol/hello.ts';
import { jobHash } from '../route.ts';
import { Glyph } from './glyph.tsx';

/** What would be here, and the call that makes it. */
export function Empty(props: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <div class="empty">
      <b>{props.title}</b>
      {props.children}
    </div>
  );
}

/** What went wrong: code, sentence, repair. */
export function ProblemBox(props: { readonly problem: Problem['error']; readonly again?: () => void }) {
  const { code, text, repair, nearest = [] } = props.problem;
  return (
    <div class="error" role="alert">
      <span class="st st-failed">
        <Glyph name="failed" />
      </span>
      <span>
        <b class="mono">{code}</b> {text}
      </span>
      <span class="fix">
        {nearest.length > 0 && (
          <>
            Nearest:{' '}
            {nearest.map((id) => (
              <a key={id} class="mono near" href={jobHash(id)}>
                {id}
              </a>
            ))}
          </>
        )}
        {repair}
      </span>
      {props.again !== undefined && (
        <button type="button" class="btn" onClick={props.again}>
          Try again
        </button>
      )}
    </div>
  );
}

/** Something that is not wrong, and that a person must know. */
export function Banner(props: { readonly children: ComponentChildren }) {
  return (
    <div class="banner">
      <span class="past">
        <Glyph name="warn" />
      </span>
      <span>{props.children}</span>
    </div>
  );
}

/** Where something will be, while it is asked for the first time. */
export function Skeleton() {
  return (
    <svg class="skeleton" aria-label="Loading" role="img">
      {[12, 34, 56].map((y) => (
        <g key={y} class="skel">
          <rect x="16" y={y} width="80" height="10" />
          <rect x="116" y={y} width="30%" height="10" />
          <rect x="80%" y={y} width="10%" height="10" />
        </g>
      ))}
    </svg>
  );
}
