import { useState } from 'react';
import { copyText } from '../page/copy-text.ts';
import { useTexts } from '../text/use-texts.ts';

/** How long the button says that it worked. */
const saidMs = 1500;

export function CodeBlock({ code, language }: { code: string; language: string }) {
  const texts = useTexts();
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    if (!(await copyText(code))) return;
    setCopied(true);
    setTimeout(() => setCopied(false), saidMs);
  };
  return (
    <div className="code-block">
      <div className="code-head">
        <span>{language.slice(0, 40)}</span>
        <button type="button" className="plain" onClick={() => void copy()}>
          {isCopied ? texts.copied : texts.copy}
        </button>
      </div>
      <pre tabIndex={0} dir="ltr">
        <code>{code}</code>
      </pre>
    </div>
  );
}
