import { useEffect, useRef, useState } from 'react';
import { DraftInspector } from './draft-inspector.ts';
import type { DecisionBase, Draft, DraftVerdict } from './inspect.ts';

/** A pause in typing after which the draft is looked at, milliseconds. */
const pauseMs = 60;

export type KnownVerdict = { text: string; verdict: DraftVerdict };

/** The newest verdict, and the text it is about: the field may be further by now. */
export function useDraftVerdict(draft: Draft, situation: DecisionBase | undefined): KnownVerdict | undefined {
  const [known, setKnown] = useState<KnownVerdict>();
  const inspector = useRef<DraftInspector>(undefined);
  const asked = useRef('');
  const { text, model, preference, isTainted, earlierTokens, hasAttachments } = draft;
  const isEmpty = text.trim() === '' && !hasAttachments;
  useEffect(() => {
    const created = new DraftInspector((verdict) =>
      setKnown(verdict === undefined ? undefined : { text: asked.current, verdict }),
    );
    inspector.current = created;
    return () => created.dispose();
  }, []);
  useEffect(() => {
    if (isEmpty) {
      setKnown(undefined);
      return undefined;
    }
    const timer = setTimeout(() => {
      asked.current = text;
      inspector.current?.inspect({ text, model, preference, isTainted, earlierTokens, hasAttachments }, situation);
    }, pauseMs);
    return () => clearTimeout(timer);
  }, [isEmpty, text, model, preference, isTainted, earlierTokens, hasAttachments, situation]);
  return isEmpty ? undefined : known;
}
