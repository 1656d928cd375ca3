import { useEffect, useRef, useState } from 'react';

/** Longer ones are shown as they are written; characters. */
const longest = 2_000;

/** A formula as MathML, which browsers draw themselves: no fonts, no styles. Its library is loaded by the first one. */
export function Formula({ source, isBlock }: { source: string; isBlock: boolean }) {
  const place = useRef<HTMLSpanElement>(null);
  const [isDrawn, setDrawn] = useState(false);
  useEffect(() => {
    let isCurrent = true;
    setDrawn(false);
    if (source.length > longest) return undefined;
    void (async () => {
      try {
        const { default: katex } = await import('katex');
        if (!isCurrent || place.current === null) return;
        // `trust` off: no links, no pictures, no classes of the formula's choice. The limits stop macros that multiply.
        katex.render(source, place.current, {
          displayMode: isBlock,
          output: 'mathml',
          throwOnError: true,
          strict: 'ignore',
          trust: false,
          maxExpand: 200,
          maxSize: 20,
        });
        setDrawn(true);
      } catch {
        // Not a formula, or one that is still being written: its source is shown.
      }
    })();
    return () => {
      isCurrent = false;
    };
  }, [source, isBlock]);
  return (
    <span className={isBlock ? 'formula block' : 'formula'}>
      <span ref={place} hidden={!isDrawn} />
      {!isDrawn && <code>{source}</code>}
    </span>
  );
}
