import { useState, type FormEvent } from 'react';
import { setKey } from '../api/api-key.ts';
import { useTexts } from '../text/use-texts.ts';
import { Modal } from './modal.tsx';

export function KeyDialog({ onDone }: { onDone: () => void }) {
  const texts = useTexts();
  const [value, setValue] = useState('');
  const [keep, setKeep] = useState(false);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setKey(value.trim(), keep);
    onDone();
  };
  return (
    <Modal title={texts.keyTitle} onClose={onDone}>
      <form className="form" onSubmit={submit}>
        <label>
          {texts.key}
          <input
            type="password"
            autoComplete="off"
            spellCheck={false}
            required
            value={value}
            onChange={(event) => setValue(event.target.value)}
          />
        </label>
        <label className="line">
          <input type="checkbox" checked={keep} onChange={(event) => setKeep(event.target.checked)} />
          {texts.keepForTab}
        </label>
        <p className="note">{texts.keyNote}</p>
        <button type="submit" className="primary">
          {texts.useKey}
        </button>
      </form>
    </Modal>
  );
}
