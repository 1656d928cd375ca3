import { useCallback, useEffect, useState } from 'react';

export type Polled<Value> = { value: Value | undefined; error: unknown; refresh: () => void };

/** @param ask stable; asked anew `everyMs` after each answer, and at once by `refresh` */
export function usePolled<Value>(ask: (signal: AbortSignal) => Promise<Value>, everyMs: number): Polled<Value> {
  const [state, setState] = useState<{ value: Value | undefined; error: unknown }>({
    value: undefined,
    error: undefined,
  });
  const [round, setRound] = useState(0);
  const refresh = useCallback(() => setRound((before) => before + 1), []);
  useEffect(() => {
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async (): Promise<void> => {
      try {
        const value = await ask(controller.signal);
        if (!controller.signal.aborted) setState({ value, error: undefined });
      } catch (error) {
        if (controller.signal.aborted) return;
        // What was known stays, with what is wrong now beside it.
        setState((before) => ({ ...before, error }));
      }
      if (!controller.signal.aborted) timer = setTimeout(() => void look(), everyMs);
    };
    void look();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [ask, everyMs, round]);
  return { ...state, refresh };
}
