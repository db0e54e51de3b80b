// A question that must be answered before anything else: a real dialog. Escape and Cancel are the same.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { controlWords } from "./words.ts";

interface Asked {
  title: string;
  confirm: string;
  /** Why it cannot be confirmed any more; null where it can. */
  barrier: string | null;
  onConfirm: () => void;
  onCancel: () => void;
  children: ComponentChildren;
}

export function Dialog({ title, confirm, barrier, onConfirm, onCancel, children }: Asked) {
  const dialog = useRef<HTMLDialogElement>(null);
  const isConfirmed = useRef(false);
  const id = useId();
  useEffect(() => dialog.current?.showModal(), []);

  // Cancel has the focus: whoever presses Enter without reading sends nothing.
  // close() before it is taken away: so the focus goes back to where it was
  const send = () => {
    if (barrier !== null || isConfirmed.current) return;
    isConfirmed.current = true;
    dialog.current?.close();
    onConfirm();
  };
  const close = () => {
    if (!isConfirmed.current) onCancel();
  };
  return (
    <dialog ref={dialog} class="control-dialog" aria-labelledby={`${id}-title`} onClose={close}>
      <h2 id={`${id}-title`}>
        <span aria-hidden="true">{"\u26a0\ufe0e"}</span> {title}
      </h2>
      {children}
      <p class="barrier" role="alert">
        {barrier}
      </p>
      <div class="row answers">
        <button type="button" autofocus onClick={() => dialog.current?.close()}>
          {controlWords.value.cancel}
        </button>
        <button type="button" class="danger" aria-disabled={barrier !== null} onClick={send}>
          {confirm}
        </button>
      </div>
    </dialog>
  );
}
