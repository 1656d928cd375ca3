/** Inspects drafts beside the page's own thread, so that typing never waits. */
import { type DecisionBase, type Draft, inspectDraft } from './inspect.ts';

export type InspectRequest = { id: number; draft: Draft; situation: DecisionBase | undefined };

addEventListener('message', ({ data }: MessageEvent<InspectRequest>) => {
  const startedMs = performance.now();
  try {
    const verdict = inspectDraft(data.draft, data.situation);
    postMessage({ id: data.id, verdict, tookMs: performance.now() - startedMs });
  } catch (error) {
    postMessage({ id: data.id, failure: String(error) });
  }
});
