import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { clockText } from '../../../src/core/clock-text.ts';
import { saveFile } from '../history/save-file.ts';
import { Markdown } from '../markdown/markdown.tsx';
import { mediaTrouble } from '../media/media-trouble.ts';
import { useTexts } from '../text/use-texts.ts';
import { type MeetingRecorder, startMeeting } from './meeting-recorder.ts';
import { minutes } from './minutes-store.ts';
import { bytesText, durationText, Page, Section, Trouble } from './page-parts.tsx';
import { pageTexts as texts } from './page-texts.ts';

const meterMs = 100;
const linesShown = 8;

export default function MinutesPage() {
  const state = useSyncExternalStore(minutes.subscribe, minutes.snapshot);
  const [file, setFile] = useState<File>();
  const [title, setTitle] = useState('');
  const [language, setLanguage] = useState('');
  const isWorking = state.step === 'working';
  return (
    <Page title={texts.minutes}>
      <Section title={texts.record} note={texts.minutesNote}>
        <Recorder isOff={isWorking} onFile={setFile} />
        <form
          className="form"
          onSubmit={(event) => {
            event.preventDefault();
            if (file !== undefined) void minutes.make({ file, title, language });
          }}
        >
          <label className="file-button">
            {texts.orFile}
            <input
              type="file"
              className="visually-hidden"
              accept="audio/*,video/*"
              disabled={isWorking}
              onChange={(event) => setFile(event.target.files?.[0] ?? file)}
            />
          </label>
          {file !== undefined && (
            <p role="status">
              {texts.sound(file.name, bytesText(file.size))}{' '}
              <button type="button" className="plain" onClick={() => saveSound(file)}>
                {texts.saveSound}
              </button>
            </p>
          )}
          <label>
            {texts.meetingTitle}
            <input type="text" maxLength={200} value={title} onChange={(event) => setTitle(event.target.value)} />
          </label>
          <label>
            {texts.meetingLanguage}
            <select value={language} onChange={(event) => setLanguage(event.target.value)}>
              {Object.entries(texts.meetingLanguages).map(([code, name]) => (
                <option key={code} value={code}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <button type="submit" className="primary" disabled={file === undefined || isWorking}>
            {texts.makeMinutes}
          </button>
        </form>
        {state.step === 'failed' && <Trouble error={state.error} />}
      </Section>
      {(isWorking || state.lines.length > 0) && (
        <Section title={isWorking ? (texts.stages[state.stage] ?? texts.sendingSound) : texts.heard}>
          {isWorking && (
            <div className="pull">
              <progress
                max={1}
                value={state.total === undefined || state.total === 0 ? undefined : state.done / state.total}
                aria-label={texts.stages[state.stage] ?? texts.sendingSound}
              />
              <span>
                {state.stage === 'hearing' &&
                  state.done > 0 &&
                  [state.done, ...(state.total === undefined ? [] : [state.total])]
                    .map((seconds) => durationText(1000 * seconds))
                    .join(' / ')}
                {state.stage !== 'hearing' && state.total !== undefined && `${state.done} / ${state.total}`}
              </span>
              <button type="button" onClick={() => minutes.stop()}>
                {texts.cancel}
              </button>
            </div>
          )}
          <ol className="heard">
            {state.lines.slice(-linesShown).map(({ at, speaker, text }, index) => (
              <li key={index}>
                <span className="section-note">{clockText(at)}</span> {speaker !== '' && <b>{speaker}: </b>}
                {text}
              </li>
            ))}
          </ol>
        </Section>
      )}
      {state.markdown !== '' && (
        <Section title={texts.minutes}>
          <button type="button" onClick={() => saveFile('minutes.md', 'text/markdown', state.markdown)}>
            {texts.saveMinutes}
          </button>
          <div className="report" tabIndex={0} role="group" aria-label={texts.minutes}>
            <Markdown text={state.markdown} isComplete />
          </div>
        </Section>
      )}
    </Page>
  );
}

function Recorder({ isOff, onFile }: { isOff: boolean; onFile: (file: File) => void }) {
  const words = useTexts();
  const running = useRef<MeetingRecorder>(undefined);
  const [startedMs, setStartedMs] = useState<number>();
  const [level, setLevel] = useState(0);
  const [passedMs, setPassedMs] = useState(0);
  const [trouble, setTrouble] = useState('');
  useEffect(() => () => running.current?.cancel(), []);
  useEffect(() => {
    if (startedMs === undefined) return undefined;
    const timer = setInterval(() => {
      setLevel(running.current?.level() ?? 0);
      setPassedMs(performance.now() - startedMs);
    }, meterMs);
    return () => clearInterval(timer);
  }, [startedMs]);
  const start = async (): Promise<void> => {
    setTrouble('');
    try {
      running.current = await startMeeting();
      setPassedMs(0);
      setStartedMs(performance.now());
    } catch (error) {
      setTrouble(mediaTrouble(error, 'microphone', words));
    }
  };
  const stop = async (): Promise<void> => {
    const recorder = running.current;
    running.current = undefined;
    setStartedMs(undefined);
    if (recorder !== undefined) onFile(await recorder.stop());
  };
  return (
    <div className="pull">
      {startedMs === undefined ? (
        <button type="button" disabled={isOff} onClick={() => void start()}>
          {texts.record}
        </button>
      ) : (
        <>
          <span>{texts.recordingFor(durationText(passedMs))}</span>
          <meter min={0} max={1} value={level} aria-label={texts.level} />
          <button type="button" className="primary" onClick={() => void stop()}>
            {texts.recordStop}
          </button>
        </>
      )}
      {trouble !== '' && (
        <p className="trouble" role="alert">
          {trouble}
        </p>
      )}
    </div>
  );
}

function saveSound(file: File): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = url;
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
