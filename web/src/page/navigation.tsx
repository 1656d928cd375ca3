import { useTexts } from '../text/use-texts.ts';
import { addressOf, type View } from './view.ts';

type NavigationProps = {
  shown: View;
  views: readonly View[];
  /** Where the chat stands. */
  chatAddress: string;
  onGo: () => void;
};

export function Navigation({ shown, views, chatAddress, onGo }: NavigationProps) {
  const texts = useTexts();
  return (
    <nav className="navigation" aria-label={texts.pages}>
      {views.map((view) => (
        <a
          key={view}
          href={view === 'chat' ? chatAddress : addressOf(view)}
          aria-current={view === shown ? 'page' : undefined}
          onClick={onGo}
        >
          {texts.views[view]}
        </a>
      ))}
    </nav>
  );
}
