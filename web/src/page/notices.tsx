import { useSyncExternalStore } from 'react';
import { offlinePage } from '../offline/offline-page.ts';
import { useTexts } from '../text/use-texts.ts';
import type { ServerView } from './use-server.ts';

/** What stands in the way now, one line each, said to screen readers as it comes. */
export function Notices({ server, isUnsaved }: { server: ServerView; isUnsaved: boolean }) {
  const texts = useTexts();
  const hasNewVersion = useSyncExternalStore(offlinePage.subscribe, offlinePage.hasNewVersion);
  const { health, situation, isAway } = server;
  const cloud = situation?.state.cloud;
  const notices: string[] = [];
  if (isAway) notices.push(texts.serverAway);
  else if (health !== undefined && health.status !== 'ok') notices.push(texts.loading(health.reason ?? health.status));
  if (!isAway && cloud?.configured === true && !cloud.reachable) notices.push(texts.cloudAway);
  if (isUnsaved) notices.push(texts.unsaved);
  return (
    <div className="notices" role="status">
      {notices.map((each) => (
        <p key={each}>{each}</p>
      ))}
      {hasNewVersion && (
        <p>
          {texts.inPage.newVersion}{' '}
          <button type="button" className="plain" onClick={() => offlinePage.loadNewVersion()}>
            {texts.inPage.loadNewVersion}
          </button>
        </p>
      )}
    </div>
  );
}
