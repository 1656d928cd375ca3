import { type ReactNode, useEffect, useRef } from 'react';
import { useTexts } from '../text/use-texts.ts';
import { Icon } from './icon.tsx';

/** A dialog of the browser's own: it keeps the focus inside and gives it back. */
export function Modal({ title, onClose, children }: { title: string; onClose: () => void; children: ReactNode }) {
  const texts = useTexts();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    if (element?.open !== false) return;
    element.showModal();
    // A field that has to be filled is what the dialog is for.
    element.querySelector<HTMLInputElement>('input:required')?.focus();
  }, []);
  return (
    <dialog ref={dialog} className="modal" aria-label={title} onClose={onClose}>
      <div className="modal-head">
        <h2>{title}</h2>
        <button type="button" className="icon-button" aria-label={texts.close} onClick={() => dialog.current?.close()}>
          <Icon name="close" />
        </button>
      </div>
      {children}
    </dialog>
  );
}
