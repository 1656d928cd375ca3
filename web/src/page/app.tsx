import { lazy, Suspense, useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import type { Preference } from '../api/ask.ts';
import { ChatStore, type QuestionContent } from '../conversation/chat-store.ts';
import { shownTurns, type AnswerTurn, type Turn, type UserTurn, wireMessages } from '../conversation/conversation.ts';
import { ConversationView } from '../conversation/conversation-view.tsx';
import { Composer } from '../draft/composer.tsx';
import { HistoryPanel } from '../history/history-panel.tsx';
import { pageModelPrefix } from '../in-page/in-page.ts';
import { inPage, useInPage } from '../in-page/use-in-page.ts';
import { ReceiptDialog } from '../route/receipt-dialog.tsx';
import { useTexts } from '../text/use-texts.ts';
import { Header } from './header.tsx';
import { KeyDialog } from './key-dialog.tsx';
import { Navigation } from './navigation.tsx';
import { Notices } from './notices.tsx';
import { useServer } from './use-server.ts';
import { useView, type View, viewInAddress } from './view.ts';

const InPagePanel = lazy(() => import('../in-page/panel.tsx'));
const MinutesPage = lazy(() => import('../pages/minutes-page.tsx'));
const DevicePage = lazy(() => import('../pages/device-page.tsx'));
const RoutingPage = lazy(() => import('../pages/routing-page.tsx'));
const BenchmarkPage = lazy(() => import('../pages/benchmark-page.tsx'));
const CloudPage = lazy(() => import('../pages/cloud-page.tsx'));

const deviceViews: readonly View[] = ['chat', 'minutes', 'device', 'routing', 'benchmark'];
const gatewayViews: readonly View[] = ['chat', 'cloud'];
const chat = new ChatStore(inPage);
const prepareHere = (draft: string): void =>
  inPage.prepare(wireMessages(shownTurns(chat.snapshot().conversation)), draft);
const idInAddress = (): string | undefined => /^#\/c\/(\w+)$/.exec(location.hash)?.[1];

export function App() {
  const texts = useTexts();
  const state = useSyncExternalStore(chat.subscribe, chat.snapshot);
  const server = useServer(state.isAnswering, () => chat.askForKey());
  const own = useInPage(server);
  const [isPanelOpen, setPanelOpen] = useState(false);
  const [model, setModel] = useState('auto');
  const [preference, setPreference] = useState<Preference | undefined>();
  const [isHistoryOpen, setHistoryOpen] = useState(false);
  const [receiptId, setReceiptId] = useState<string>();
  const [keysGiven, setKeysGiven] = useState(0);
  const { conversation } = state;
  const view = useView();
  const turns = useMemo(() => shownTurns(conversation), [conversation]);
  const isEmpty = turns.length === 0;

  useEffect(() => {
    void chat.load(idInAddress());
    const onAddress = (): void => {
      const id = idInAddress();
      if (id !== undefined) chat.show(id);
    };
    addEventListener('hashchange', onAddress);
    return () => removeEventListener('hashchange', onAddress);
  }, []);
  useEffect(() => {
    // A reload comes back to the same conversation.
    if (viewInAddress() === 'chat') history.replaceState(null, '', isEmpty ? '#/' : `#/c/${conversation.id}`);
  }, [conversation.id, isEmpty, view]);

  const pageModel = own.state?.modelId;
  // A gateway knows nothing of preferences: it is the cloud. With a model in the page the page decides.
  const routes = server.situation !== undefined || pageModel !== undefined;
  // A model of the page that is no longer there.
  const isStale = model.startsWith(pageModelPrefix) && model !== pageModelPrefix + (pageModel ?? '');
  const isInPage = pageModel !== undefined && (model === 'auto' || model.startsWith(pageModelPrefix));
  const options = useMemo(
    () => ({
      model: isStale
        ? 'auto'
        : routes
          ? model
          : (server.models.find((id) => id === model) ?? server.models[0] ?? model),
      preference: routes ? preference : undefined,
    }),
    [routes, model, isStale, preference, server.models],
  );
  // Stable, so that turns that did not change are not drawn again.
  const actions = useMemo(
    () => ({
      regenerate: (answer: AnswerTurn) => void chat.regenerate(answer, options),
      edit: (turn: UserTurn, text: string) => {
        const { pictures, recordings, isPrivate } = turn;
        void chat.sendInstead(turn, { text, pictures, recordings, isPrivate }, options);
      },
      showVersion: (id: string) => chat.showVersion(id),
      openReceipt: setReceiptId,
    }),
    [options],
  );
  const startNew = (): void => {
    chat.startNew();
    location.hash = '#/';
  };
  const send = (content: QuestionContent): void => {
    void chat.send(content, options);
  };

  return (
    <div className="app">
      <HistoryPanel
        isOpen={isHistoryOpen}
        onClose={() => setHistoryOpen(false)}
        history={state.history}
        shownId={conversation.id}
        onShow={(id) => {
          chat.show(id);
          location.hash = `#/c/${id}`;
        }}
        onNew={startNew}
        onRemove={(id) => void chat.remove(id)}
        onRemoveAll={() => void chat.removeAll()}
        navigation={
          <Navigation
            shown={view}
            views={server.isGateway ? gatewayViews : deviceViews}
            chatAddress={isEmpty ? '#/' : `#/c/${conversation.id}`}
            onGo={() => setHistoryOpen(false)}
          />
        }
      />
      <div className="main">
        <Header
          models={server.models}
          routes={routes}
          model={options.model}
          onModel={setModel}
          preference={preference}
          onPreference={setPreference}
          onHistory={() => setHistoryOpen(true)}
          onNew={startNew}
          isChat={view === 'chat'}
          pageModel={pageModel}
          onInPage={() => {
            inPage.start();
            setPanelOpen(true);
          }}
        />
        <Notices server={server} isUnsaved={state.isUnsaved} />
        <div className="chat-place" hidden={view !== 'chat'}>
          <main className="conversation-place">
            {isEmpty ? (
              <div className="welcome">
                <h2>{texts.welcome}</h2>
                <p>{texts.welcomeMore}</p>
              </div>
            ) : (
              <ConversationView
                key={conversation.id}
                conversation={conversation}
                turns={turns}
                isAnswering={state.isAnswering}
                actions={actions}
              />
            )}
          </main>
          <Composer
            key={`composer-${conversation.id}`}
            situation={isInPage ? own.state?.situation : server.situation}
            isInPage={isInPage}
            isGateway={server.isGateway}
            model={isInPage ? options.model.replace(pageModelPrefix, '') : options.model}
            preference={options.preference}
            turns={turns}
            examples={isEmpty ? texts.examples : []}
            isAnswering={state.isAnswering}
            onSend={send}
            onStop={() => chat.stop()}
            onHere={prepareHere}
          />
        </div>
        {view !== 'chat' && (
          <main key={keysGiven} className="page-place">
            <Suspense fallback={<p className="note">{texts.loadingPage}</p>}>
              {view === 'minutes' && <MinutesPage />}
              {view === 'device' && <DevicePage />}
              {view === 'routing' && <RoutingPage />}
              {view === 'benchmark' && <BenchmarkPage hasCloud={server.situation?.state.cloud.configured === true} />}
              {view === 'cloud' && <CloudPage />}
            </Suspense>
          </main>
        )}
      </div>
      {receiptId !== undefined && (
        <ReceiptDialog id={receiptId} own={ownReceipt(turns, receiptId)} onClose={() => setReceiptId(undefined)} />
      )}
      {isPanelOpen && (
        <Suspense>
          <InPagePanel view={own} onClose={() => setPanelOpen(false)} />
        </Suspense>
      )}
      {state.needsKey && (
        <KeyDialog
          onDone={() => {
            chat.keyGiven();
            // What was refused without it is asked again.
            setKeysGiven((before) => before + 1);
            server.refresh();
          }}
        />
      )}
    </div>
  );
}

/** The receipt of an answer that the page gave by itself. */
function ownReceipt(turns: readonly Turn[], id: string): Record<string, unknown> | undefined {
  const turn = turns.find((each) => each.role === 'assistant' && each.route?.receiptId === id);
  return turn?.role === 'assistant' ? turn.route?.receipt : undefined;
}
