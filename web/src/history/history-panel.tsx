import { type ReactNode, useDeferredValue, useMemo, useState } from 'react';
import { asMarkdown, type Conversation } from '../conversation/conversation.ts';
import { Icon } from '../page/icon.tsx';
import { useTexts } from '../text/use-texts.ts';
import { matches } from './history-database.ts';
import { saveFile } from './save-file.ts';

type HistoryProps = {
  /** On a narrow screen it lies over the page while open; on a wide one it is always there. */
  isOpen: boolean;
  onClose: () => void;
  history: readonly Conversation[];
  shownId: string;
  onShow: (id: string) => void;
  onNew: () => void;
  onRemove: (id: string) => void;
  onRemoveAll: () => void;
  /** Above the conversations. */
  navigation: ReactNode;
};

export function HistoryPanel(props: HistoryProps) {
  const texts = useTexts();
  const [search, setSearch] = useState('');
  const deferred = useDeferredValue(search);
  const { history, shownId, onClose } = props;
  const found = useMemo(() => history.filter((each) => matches(each, deferred)), [history, deferred]);
  const exportOne = (conversation: Conversation): void => {
    const names = { user: texts.you, assistant: texts.assistant };
    saveFile(`${conversation.title.slice(0, 40) || 'duanyun'}.md`, 'text/markdown', asMarkdown(conversation, names));
  };
  const exportAll = (): void => {
    const content = JSON.stringify({ format: 'duanyun-history-1', conversations: history }, undefined, 1);
    saveFile('duanyun-history.json', 'application/json', content);
  };
  return (
    <>
      {props.isOpen && <div className="shade" onClick={onClose} />}
      <aside
        className={props.isOpen ? 'history open' : 'history'}
        aria-label={texts.history}
        onKeyDown={(event) => {
          if (event.key === 'Escape') onClose();
        }}
      >
        {props.navigation}
        <div className="history-head">
          <button
            type="button"
            className="wide-button"
            onClick={() => {
              props.onNew();
              onClose();
            }}
          >
            <Icon name="new" /> {texts.newChat}
          </button>
          <button type="button" className="icon-button only-narrow" aria-label={texts.close} onClick={onClose}>
            <Icon name="close" />
          </button>
        </div>
        <input
          type="search"
          className="search"
          placeholder={texts.search}
          aria-label={texts.searchHistory}
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
        {found.length === 0 ? (
          <p className="note">{history.length === 0 ? texts.noHistory : texts.nothingFound}</p>
        ) : (
          <ul className="history-list">
            {found.map((conversation) => (
              <li key={conversation.id} className={conversation.id === shownId ? 'shown' : undefined}>
                <button
                  type="button"
                  className="history-title"
                  aria-current={conversation.id === shownId ? 'true' : undefined}
                  onClick={() => {
                    props.onShow(conversation.id);
                    onClose();
                  }}
                >
                  {conversation.title === '' ? texts.untitled : conversation.title}
                </button>
                <button
                  type="button"
                  className="icon-button small"
                  aria-label={`${texts.exportOne}: ${conversation.title}`}
                  onClick={() => exportOne(conversation)}
                >
                  <Icon name="export" />
                </button>
                <button
                  type="button"
                  className="icon-button small"
                  aria-label={texts.deleteOne(conversation.title)}
                  onClick={() => {
                    if (confirm(texts.deleteOneSure)) props.onRemove(conversation.id);
                  }}
                >
                  <Icon name="delete" />
                </button>
              </li>
            ))}
          </ul>
        )}
        {history.length > 0 && (
          <div className="history-foot">
            <button type="button" className="plain" onClick={exportAll}>
              {texts.exportAll}
            </button>
            <button
              type="button"
              className="plain"
              onClick={() => {
                if (confirm(texts.deleteAllSure)) props.onRemoveAll();
              }}
            >
              {texts.deleteAll}
            </button>
          </div>
        )}
      </aside>
    </>
  );
}
