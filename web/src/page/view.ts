/** Which page the address names: `#/`, `#/c/<conversation>`, `#/device` … */
import { useEffect, useState } from 'react';

export const views = ['chat', 'minutes', 'device', 'routing', 'benchmark', 'cloud'] as const;
export type View = (typeof views)[number];

export const addressOf = (view: View): string => (view === 'chat' ? '#/' : `#/${view}`);

export function viewInAddress(): View {
  const name = /^#\/(\w+)$/.exec(location.hash)?.[1];
  return views.find((view) => view === name) ?? 'chat';
}

export function useView(): View {
  const [view, setView] = useState(viewInAddress);
  useEffect(() => {
    const look = (): void => setView(viewInAddress());
    addEventListener('hashchange', look);
    return () => removeEventListener('hashchange', look);
  }, []);
  return view;
}
