import { Icon } from '../page/icon.tsx';
import { useTexts } from '../text/use-texts.ts';

type VersionProps = { id: string; versions: readonly string[]; isBusy: boolean; onShow: (id: string) => void };

/** Moves between the branches that begin here. */
export function VersionSwitch({ id, versions, isBusy, onShow }: VersionProps) {
  const texts = useTexts();
  const index = versions.indexOf(id);
  const earlier = versions[index - 1];
  const later = versions[index + 1];
  if (versions.length < 2) return null;
  return (
    <span className="versions">
      <button
        type="button"
        className="icon-button small"
        aria-label={texts.earlierVersion}
        disabled={earlier === undefined || isBusy}
        onClick={() => earlier !== undefined && onShow(earlier)}
      >
        <Icon name="left" />
      </button>
      {texts.version(index + 1, versions.length)}
      <button
        type="button"
        className="icon-button small"
        aria-label={texts.laterVersion}
        disabled={later === undefined || isBusy}
        onClick={() => later !== undefined && onShow(later)}
      >
        <Icon name="right" />
      </button>
    </span>
  );
}
