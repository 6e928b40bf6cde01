import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { dialog } from '../app-state.ts';

/** A dialog over the page. The browser keeps the focus in it, and gives it back. */
export function Modal(props: {
  readonly label: string;
  readonly class?: string;
  /** Default: it is the dialog of the whole page, which is then closed. */
  readonly close?: () => void;
  readonly children: ComponentChildren;
}) {
  const ref = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    ref.current?.showModal();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a click beside it closes it; the key for that is Escape, which the browser hears.
    <dialog
      ref={ref}
      class={`dialog ${props.class ?? ''}`}
      aria-label={props.label}
      onClose={() => {
        if (props.close !== undefined) props.close();
        else dialog.value = null;
      }}
      onClick={({ target }) => {
        if (target === ref.current) ref.current?.close();
      }}
    >
      {props.children}
    </dialog>
  );
}
