import { useEffect, useRef, useState } from 'react';
import type { Recording } from '../conversation/conversation.ts';
import { useTexts } from '../text/use-texts.ts';
import type { DictatedText } from './dictation.ts';
import { mediaTrouble } from './media-trouble.ts';
import { longestSeconds, type RunningRecording, startRecording } from './recorder.ts';

type RecordProps = {
  onRecording: (recording: Recording) => void;
  onText: (text: string) => void;
  onTrouble: (message: string) => void;
  onCancel: () => void;
};

/** How often the meter moves, milliseconds. */
const meterMs = 80;

/** In the place of the text field while the microphone is on. */
export function RecordBar(props: RecordProps) {
  const texts = useTexts();
  const [level, setLevel] = useState(0);
  const [seconds, setSeconds] = useState(0);
  const [isRunning, setRunning] = useState(false);
  const [isDeaf, setDeaf] = useState(false);
  const [heard, setHeard] = useState<DictatedText>({ stable: '', tail: '' });
  const running = useRef<RunningRecording>(undefined);
  const handlers = useRef(props);
  handlers.current = props;
  const finish = async (): Promise<void> => {
    const recording = running.current;
    if (recording === undefined) return;
    running.current = undefined;
    try {
      handlers.current.onRecording(await recording.stop());
    } catch {
      handlers.current.onTrouble(texts.nothingRecorded);
    }
  };
  const finishText = async (): Promise<void> => {
    const recording = running.current;
    if (recording === undefined) return;
    running.current = undefined;
    setRunning(false);
    handlers.current.onText(await recording.finishText());
  };
  useEffect(() => {
    let isOpen = true;
    let timer: ReturnType<typeof setInterval> | undefined;
    void (async () => {
      try {
        const recording = await startRecording({
          onText: (text) => {
            if (isOpen) setHeard(text);
          },
          onNoText: () => {
            if (isOpen) setDeaf(true);
          },
        });
        if (!isOpen) {
          recording.cancel();
          return;
        }
        running.current = recording;
        setRunning(true);
        const startedMs = performance.now();
        timer = setInterval(() => {
          const passed = (performance.now() - startedMs) / 1000;
          setLevel(recording.level());
          setSeconds(passed);
          if (passed >= longestSeconds) void finish();
        }, meterMs);
      } catch (error) {
        if (isOpen) handlers.current.onTrouble(mediaTrouble(error, 'microphone', texts));
      }
    })();
    return () => {
      isOpen = false;
      clearInterval(timer);
      running.current?.cancel();
      running.current = undefined;
    };
    // Once for each time that the bar opens.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  const hasText = heard.stable + heard.tail !== '';
  return (
    <div className="recording">
      {isDeaf && <p className="dictated">{texts.noDictation}</p>}
      {hasText && (
        <p className="dictated" role="log" aria-label={texts.dictated}>
          {heard.stable} <span>{heard.tail}</span>
        </p>
      )}
      <div className="record-bar">
        <span aria-live="off">{texts.recording(seconds)}</span>
        <meter min={0} max={1} value={level} aria-label={texts.level} />
        <button type="button" onClick={props.onCancel}>
          {texts.cancel}
        </button>
        {hasText && (
          <button type="button" disabled={!isRunning} onClick={() => void finishText()}>
            {texts.useText}
          </button>
        )}
        <button type="button" className="primary" disabled={!isRunning} onClick={() => void finish()}>
          {texts.stopRecording}
        </button>
      </div>
    </div>
  );
}
