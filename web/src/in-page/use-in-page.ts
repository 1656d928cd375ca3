import { useEffect, useSyncExternalStore } from 'react';
import type { ServerView } from '../page/use-server.ts';
import { InPage, type InPageView } from './in-page.ts';

export const inPage = new InPage();

export function useInPage({ situation, isAway }: Pick<ServerView, 'situation' | 'isAway'>): InPageView {
  const view = useSyncExternalStore(inPage.subscribe, inPage.snapshot);
  useEffect(() => inPage.setServer(situation, isAway), [situation, isAway]);
  return view;
}
