import { useState, type FormEvent } from 'react';
import { Icon } from '../page/icon.tsx';
import { useTexts } from '../text/use-texts.ts';
import type { ConversationActions } from './conversation-view.tsx';
import type { UserTurn } from './conversation.ts';
import { SoundPlayer } from './sound-player.tsx';
import { VersionSwitch } from './version-switch.tsx';

type QuestionProps = { turn: UserTurn; versions: readonly string[]; isBusy: boolean; actions: ConversationActions };

export function QuestionView({ turn, versions, isBusy, actions }: QuestionProps) {
  const texts = useTexts();
  const [draft, setDraft] = useState<string>();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (draft === undefined || isBusy) return;
    setDraft(undefined);
    actions.edit(turn, draft);
  };
  return (
    <article className="turn question" aria-label={texts.you}>
      {turn.pictures.length > 0 && (
        <div className="pictures">
          {turn.pictures.map(({ url, name }, index) => (
            <img key={index} src={url} alt={name} />
          ))}
        </div>
      )}
      {turn.recordings.map(({ wav, seconds }, index) => (
        <div key={index} className="sound">
          <Icon name="microphone" /> {texts.recorded(seconds)}
          <SoundPlayer wav={wav} label={texts.recorded(seconds)} />
        </div>
      ))}
      {draft === undefined ? (
        turn.text !== '' && (
          <p className="said" dir="auto">
            {turn.text}
          </p>
        )
      ) : (
        <form className="edit" onSubmit={submit}>
          <textarea
            autoFocus
            aria-label={texts.edit}
            rows={Math.min(12, draft.split('\n').length + 1)}
            value={draft}
            onChange={(event) => setDraft(event.target.value)}
          />
          <div className="buttons">
            <button type="button" onClick={() => setDraft(undefined)}>
              {texts.cancel}
            </button>
            <button type="submit" className="primary" disabled={isBusy || draft.trim() === ''}>
              {texts.save}
            </button>
          </div>
        </form>
      )}
      <div className="turn-foot">
        {turn.isPrivate && (
          <span className="private-note">
            <Icon name="lock" /> {texts.staysHere}
          </span>
        )}
        <VersionSwitch id={turn.id} versions={versions} isBusy={isBusy} onShow={actions.showVersion} />
        {draft === undefined && turn.text !== '' && (
          <button
            type="button"
            className="icon-button small"
            aria-label={texts.edit}
            disabled={isBusy}
            onClick={() => setDraft(turn.text)}
          >
            <Icon name="edit" />
          </button>
        )}
      </div>
    </article>
  );
}
