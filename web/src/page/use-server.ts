import { useCallback, useEffect, useRef, useState } from 'react';
import { ApiError } from '../api/api-error.ts';
import { fetchHealth, fetchModels, fetchSituation, type ServerHealth, type Situation } from '../api/server.ts';

export type ServerView = {
  models: string[];
  situation: Situation | undefined;
  /** Asked, and it does not route: the role `cloud`. */
  isGateway: boolean;
  health: ServerHealth | undefined;
  isAway: boolean;
  refresh(): void;
};

/** How often the page looks; a server that is away or loading is looked at more often. Milliseconds. */
const calmMs = 15_000;
const anxiousMs = 2_000;

/** @param onKeyNeeded the server asked for a key */
export function useServer(isAnswering: boolean, onKeyNeeded: () => void): ServerView {
  const [view, setView] = useState<Omit<ServerView, 'refresh'>>({
    models: [],
    situation: undefined,
    isGateway: false,
    health: undefined,
    isAway: false,
  });
  const [round, setRound] = useState(0);
  const refresh = useCallback(() => setRound((before) => before + 1), []);
  const keyNeeded = useRef(onKeyNeeded);
  keyNeeded.current = onKeyNeeded;

  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async (): Promise<void> => {
      let waitMs = calmMs;
      try {
        const health = await fetchHealth(signal);
        if (health.status !== 'ok') waitMs = anxiousMs;
        setView((before) => ({ ...before, health, isAway: false }));
        const [situation, models] = await Promise.all([fetchSituation(signal), fetchModels(signal)]);
        setView((before) => ({
          ...before,
          situation,
          isGateway: situation === undefined,
          models: same(before.models, models),
        }));
      } catch (error) {
        if (signal.aborted) return;
        const code = error instanceof ApiError ? error.code : '';
        if (code === 'unauthorized') {
          // Nothing more to see until there is a key; giving one starts a new round.
          keyNeeded.current();
          return;
        }
        waitMs = anxiousMs;
        if (code === 'unreachable') setView((before) => ({ ...before, isAway: true }));
      }
      if (!signal.aborted) timer = setTimeout(() => void look(), waitMs);
    };
    const onReturn = (): void => {
      if (document.visibilityState === 'visible') refresh();
    };
    void look();
    document.addEventListener('visibilitychange', onReturn);
    addEventListener('online', onReturn);
    return () => {
      controller.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', onReturn);
      removeEventListener('online', onReturn);
    };
    // An answer that ends is news about the server as well.
  }, [round, isAnswering, refresh]);
  return { ...view, refresh };
}

/** The same array for the same models: what depends on it is not drawn again. */
function same(before: string[], now: string[]): string[] {
  return before.join('\n') === now.join('\n') ? before : now;
}
