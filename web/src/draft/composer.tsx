import { type ClipboardEvent, type DragEvent, useEffect, useMemo, useRef, useState } from 'react';
import { estimateTokens } from '../../../src/signals/size.ts';
import type { Preference } from '../api/ask.ts';
import type { DecisionBase } from './inspect.ts';
import type { QuestionContent } from '../conversation/chat-store.ts';
import type { Picture, Recording, Turn } from '../conversation/conversation.ts';
import { CameraDialog } from '../media/camera-dialog.tsx';
import { RecordBar } from '../media/record-bar.tsx';
import { PictureError, shrinkPicture } from '../media/shrink-picture.ts';
import { Icon } from '../page/icon.tsx';
import { useTexts } from '../text/use-texts.ts';
import { MarkedField } from './marked-field.tsx';
import { useDraftVerdict } from './use-draft-verdict.ts';
import { VerdictLine } from './verdict-line.tsx';

type ComposerProps = {
  situation: DecisionBase | undefined;
  isGateway: boolean;
  /** The situation is that of a model inside the page. */
  isInPage: boolean;
  model: string;
  preference: Preference | undefined;
  turns: readonly Turn[];
  examples: readonly string[];
  isAnswering: boolean;
  onSend: (content: QuestionContent) => void;
  onStop: () => void;
  /** The draft would run in this page, and has for a moment. */
  onHere: (draft: string) => void;
};

/** The first letters of a long question look like a short one. */
const settledMs = 700;
const mostPictures = 8;
/** Longer texts are cut when they are pasted; characters. */
const longestText = 200_000;

export function Composer(props: ComposerProps) {
  const texts = useTexts();
  const [text, setText] = useState('');
  const [pictures, setPictures] = useState<Picture[]>([]);
  const [recordings, setRecordings] = useState<Recording[]>([]);
  const [trouble, setTrouble] = useState('');
  const [place, setPlace] = useState<'none' | 'camera' | 'microphone'>('none');
  const [isOver, setOver] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const fileInput = useRef<HTMLInputElement>(null);
  const { turns, situation, model, preference, isAnswering } = props;
  const isTainted = turns.some((turn) => turn.role === 'user' && turn.isPrivate);
  const lastId = turns.at(-1)?.id;
  // Counted once a turn, not at every piece of a running answer.
  // oxlint-disable-next-line react-hooks/exhaustive-deps
  const earlierTokens = useMemo(() => turns.reduce((sum, turn) => sum + estimateTokens(turn.text), 0), [lastId]);
  const hasAttachments = pictures.length + recordings.length > 0;
  const known = useDraftVerdict({ text, model, preference, isTainted, earlierTokens, hasAttachments }, situation);
  const wouldRunInPage = props.isInPage && known?.verdict.route?.target === 'device';
  const { onHere } = props;
  useEffect(() => {
    if (!wouldRunInPage) return undefined;
    const timer = setTimeout(() => onHere(field.current?.value ?? ''), settledMs);
    return () => clearTimeout(timer);
  }, [wouldRunInPage, onHere]);
  const canSend = !isAnswering && (text.trim() !== '' || hasAttachments);

  const change = (value: string): void => {
    setTrouble(value.length > longestText ? texts.textTooLong : '');
    setText(value.slice(0, longestText));
  };
  const send = (): void => {
    if (!canSend) return;
    props.onSend({ text, pictures, recordings, isPrivate: known?.verdict.isPrivate ?? false });
    setText('');
    setPictures([]);
    setRecordings([]);
    setTrouble('');
  };
  const addFiles = async (files: readonly File[]): Promise<void> => {
    setTrouble('');
    for (const [index, file] of files.entries()) {
      if (pictures.length + index >= mostPictures) {
        setTrouble(texts.tooManyPictures);
        return;
      }
      try {
        const picture = await shrinkPicture(file, file.name);
        setPictures((before) => [...before, picture]);
      } catch (error) {
        const isTooLarge = error instanceof PictureError && error.reason === 'too-large';
        setTrouble(isTooLarge ? texts.pictureTooLarge : texts.notAPicture);
      }
    }
  };
  const onPaste = (event: ClipboardEvent): void => {
    const files = [...event.clipboardData.files];
    if (files.length > 0) {
      event.preventDefault();
      void addFiles(files);
      return;
    }
    // Cut before the browser lays out a megabyte in the field.
    const pasted = event.clipboardData.getData('text/plain');
    if (text.length + pasted.length <= longestText) return;
    event.preventDefault();
    change(text + pasted);
  };
  const onDrop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    void addFiles([...event.dataTransfer.files]);
  };

  return (
    <section
      className={isOver ? 'composer over' : 'composer'}
      aria-label={texts.ask}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={onDrop}
    >
      {props.examples.length > 0 && text === '' && !hasAttachments && (
        <div className="examples">
          {props.examples.map((example) => (
            <button
              key={example}
              type="button"
              onClick={() => {
                change(example);
                field.current?.focus();
              }}
            >
              {example}
            </button>
          ))}
        </div>
      )}
      {hasAttachments && (
        <div className="attachments">
          {pictures.map((picture, index) => (
            <span key={index} className="attachment">
              <img src={picture.url} alt={picture.name} />
              <button
                type="button"
                className="icon-button small"
                aria-label={texts.removePicture}
                onClick={() => setPictures((before) => before.filter((each) => each !== picture))}
              >
                <Icon name="close" />
              </button>
            </span>
          ))}
          {recordings.map((recording, index) => (
            <span key={index} className="attachment sound">
              <Icon name="microphone" /> {texts.recorded(recording.seconds)}
              <button
                type="button"
                className="icon-button small"
                aria-label={texts.removeRecording}
                onClick={() => setRecordings((before) => before.filter((each) => each !== recording))}
              >
                <Icon name="close" />
              </button>
            </span>
          ))}
        </div>
      )}
      {place === 'microphone' ? (
        <RecordBar
          onRecording={(recording) => {
            setRecordings((before) => [...before, recording]);
            setPlace('none');
          }}
          onText={(said) => {
            change(text.trim() === '' ? said : `${text.trimEnd()} ${said}`);
            setPlace('none');
          }}
          onTrouble={(message) => {
            setTrouble(message);
            setPlace('none');
          }}
          onCancel={() => setPlace('none')}
        />
      ) : (
        <div className="input-line">
          <button
            type="button"
            className="icon-button"
            aria-label={texts.addPicture}
            title={texts.addPicture}
            onClick={() => fileInput.current?.click()}
          >
            <Icon name="picture" />
          </button>
          <button
            type="button"
            className="icon-button"
            aria-label={texts.camera}
            title={texts.camera}
            onClick={() => setPlace('camera')}
          >
            <Icon name="camera" />
          </button>
          <button
            type="button"
            className="icon-button"
            aria-label={texts.record}
            title={texts.record}
            onClick={() => {
              setTrouble('');
              setPlace('microphone');
            }}
          >
            <Icon name="microphone" />
          </button>
          <MarkedField
            ref={field}
            label={texts.ask}
            describedBy="verdict"
            value={text}
            marks={known?.verdict.marks ?? []}
            markedText={known?.text ?? ''}
            onChange={change}
            onEnter={send}
            onPaste={onPaste}
          />
          {isAnswering ? (
            <button type="button" className="icon-button primary" aria-label={texts.stop} onClick={props.onStop}>
              <Icon name="stop" />
            </button>
          ) : (
            <button
              type="button"
              className="icon-button primary"
              aria-label={texts.send}
              disabled={!canSend}
              onClick={send}
            >
              <Icon name="send" />
            </button>
          )}
        </div>
      )}
      <input
        ref={fileInput}
        type="file"
        accept="image/*"
        multiple
        hidden
        onChange={(event) => {
          void addFiles([...(event.target.files ?? [])]);
          event.target.value = '';
        }}
      />
      <VerdictLine verdict={known?.verdict} isGateway={props.isGateway} isInPage={props.isInPage} />
      {trouble !== '' && (
        <p className="trouble" role="alert">
          {trouble}
        </p>
      )}
      {isOver && <div className="drop-note">{texts.dropHere}</div>}
      {place === 'camera' && (
        <CameraDialog
          onPhoto={(picture) => {
            setPictures((before) => [...before, picture].slice(0, mostPictures));
            setPlace('none');
          }}
          onTrouble={(message) => {
            setTrouble(message);
            setPlace('none');
          }}
          onClose={() => setPlace('none')}
        />
      )}
    </section>
  );
}
