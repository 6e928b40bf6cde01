import { useRef, useState } from 'preact/hooks';
import type { JobView } from '../../../../protocol/job.ts';
import { announcement } from '../../../app-state.ts';
import { copyText, linkTo } from '../../../browser.ts';
import { instantText } from '../../../format.ts';
import { useKeys } from '../../../keys.ts';
import { valueText } from '../../../parts/value.tsx';
import { jobHash } from '../../../route.ts';
import { lookOf } from '../../../state.ts';

type Form = readonly [name: string, text: () => string];

/** A job as what another program, or another person, can use. */
export function CopyAs({ view, at }: { readonly view: JobView; readonly at: number | null }) {
  const [copied, setCopied] = useState<string | null>(null);
  const menu = useRef<HTMLDetailsElement>(null);
  const forms = formsOf(view, at);
  const copy = async ([name, text]: Form): Promise<void> => {
    try {
      await copyText(text());
      setCopied(name);
      announcement.value = `Copied as ${name}.`;
    } catch {
      setCopied(null);
      announcement.value = 'The browser did not allow this page to copy.';
    }
    if (menu.current !== null) menu.current.open = false;
  };
  useKeys({
    y: () => void copy(forms[0] as Form),
    Y: () => {
      if (menu.current === null) return;
      menu.current.open = true;
      menu.current.querySelector('button')?.focus();
    },
  });
  return (
    <details class="menu" ref={menu}>
      <summary class="btn">
        {copied === null ? 'Copy as…' : `Copied ${copied}`} <kbd>Y</kbd>
      </summary>
      <div class="menu-list">
        {forms.map((form) => (
          <button key={form[0]} type="button" onClick={() => void copy(form)}>
            {form[0]}
          </button>
        ))}
      </div>
    </details>
  );
}

function formsOf(view: JobView, at: number | null): readonly Form[] {
  const { id } = view;
  return [
    ['link', () => linkTo(jobHash(id, at ?? undefined))],
    ['id', () => id],
    ['JSON', () => JSON.stringify(view, null, 2)],
    ['TypeScript', () => `const job = await box.job(${JSON.stringify(id)}).refresh();`],
    ['Markdown', () => markdownOf(view)],
  ];
}

function markdownOf(view: JobView): string {
  const { word } = lookOf(view.state, view.ending);
  const lines = view.history.lines.map(
    ({ seq, at, event, to, note }) =>
      `| ${seq} | ${instantText(at, 0, true)} | ${event} | ${to ?? ''} | ${(note ?? '').replaceAll('|', '\\|')} |`,
  );
  return [
    `## ${view.name} \`${view.id}\`: ${word}`,
    '',
    `${view.explanation.verdict.text}. ${view.explanation.verdict.remedy}`,
    '',
    `Arguments: \`${view.args.map(valueText).join(', ')}\``,
    '',
    '| seq | at | event | then | |',
    '| --- | --- | --- | --- | --- |',
    ...lines,
    '',
  ].join('\n');
}
