import { preferences, type Preference } from '../api/ask.ts';
import { pageModelPrefix } from '../in-page/in-page.ts';
import { useTexts } from '../text/use-texts.ts';
import { Icon } from './icon.tsx';

type HeaderProps = {
  models: readonly string[];
  /** The server decides between device and cloud. */
  routes: boolean;
  model: string;
  onModel: (model: string) => void;
  preference: Preference | undefined;
  onPreference: (preference: Preference | undefined) => void;
  onHistory: () => void;
  onNew: () => void;
  /** Elsewhere there is nothing to choose. */
  isChat: boolean;
  /** A model inside the page that can be named. */
  pageModel: string | undefined;
  onInPage: () => void;
};

export function Header(props: HeaderProps) {
  const texts = useTexts();
  const { routes, model, preference, pageModel } = props;
  const known = routes ? ['auto', 'edge', 'cloud', ...props.models] : props.models.length > 0 ? props.models : [model];
  const own = pageModel === undefined ? [] : ['auto', pageModelPrefix + pageModel];
  const names = [...new Set([...known, ...own])];
  const nameOf = (id: string): string =>
    id.startsWith(pageModelPrefix)
      ? texts.inPage.inThisBrowser(id.slice(pageModelPrefix.length))
      : (texts.models[id] ?? id);
  return (
    <header className="header">
      <button
        type="button"
        className="icon-button only-narrow"
        aria-label={texts.openHistory}
        onClick={props.onHistory}
      >
        <Icon name="menu" />
      </button>
      <h1 className="brand">{texts.name}</h1>
      {props.isChat ? (
        <div className="choices">
          <label>
            <span className="visually-hidden">{texts.model}</span>
            <select value={model} onChange={(event) => props.onModel(event.target.value)}>
              {names.map((id) => (
                <option key={id} value={id}>
                  {nameOf(id)}
                </option>
              ))}
            </select>
          </label>
          {routes && (
            <label>
              <span className="visually-hidden">{texts.preference}</span>
              <select
                value={preference ?? ''}
                onChange={(event) => props.onPreference(preferences.find((each) => each === event.target.value))}
              >
                {['', ...preferences].map((each) => (
                  <option key={each} value={each}>
                    {texts.preferences[each]}
                  </option>
                ))}
              </select>
            </label>
          )}
        </div>
      ) : (
        <span className="choices" />
      )}
      <button
        type="button"
        className="icon-button"
        aria-label={texts.inPage.open}
        title={texts.inPage.open}
        onClick={props.onInPage}
      >
        <Icon name="chip" />
      </button>
      <button type="button" className="icon-button only-narrow" aria-label={texts.newChat} onClick={props.onNew}>
        <Icon name="new" />
      </button>
    </header>
  );
}
