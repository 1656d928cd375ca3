import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { answer, lastText, ScriptedBackend, type ScriptStep } from '../../test/support/scripted-backend.ts';
import type { GenerationRequest } from '../core/chat.ts';
import { systemClock } from '../core/clock.ts';
import { makeError } from '../core/errors.ts';
import { silentLog } from '../core/log.ts';
import type { MinutesProgress, TranscriptLine } from '../core/minutes.ts';
import type { Transcriber, TranscribeOptions } from '../core/perception.ts';
import { LocalMinutes } from './make-minutes.ts';

const audio = { type: 'audio' as const, bytes: new Uint8Array([1, 2, 3]), format: 'audio/wav' };
let directory = '';
beforeEach(() => {
  directory = path.join(mkdtempSync(path.join(os.tmpdir(), 'duanyun-minutes-')), 'minutes');
});

/** Notes that quote the first line of the part, summaries that repeat what they are given, a title from the first words. */
function* scripted(request: GenerationRequest): Iterable<ScriptStep> {
  const text = lastText(request);
  const body = text.split('\n\n')[1] ?? '';
  const [first = ''] = body.split('\n');
  if (text.startsWith('Part of')) {
    const notes = { summary: first, decisions: [], actions: [], questions: [] };
    yield* answer(JSON.stringify(notes), { receipt: { id: `r${request.id}`, target: 'device', reasons: [] } });
  } else if (text.startsWith('Notes of')) yield* answer(JSON.stringify({ summary: first.replace(/^- /, '') }));
  else yield* answer(JSON.stringify({ title: first.split(' ').slice(0, 4).join(' ') }));
}

function maker(backend: ScriptedBackend, transcriber?: Transcriber): LocalMinutes {
  let serial = 0;
  return new LocalMinutes({
    service: backend,
    ...(transcriber === undefined ? {} : { transcriber }),
    stateDirectory: directory,
    clock: systemClock,
    log: silentLog,
    newId: () => `m${++serial}`,
  });
}

const words = 'the budget of the new servers was discussed at length and everyone liked plan number';
function longMeeting(count: number): TranscriptLine[] {
  return Array.from({ length: count }, (_, index) => ({
    start: index * 5,
    end: index * 5 + 5,
    text: `We say ${words} ${index}.`,
  }));
}
const signal = new AbortController().signal;

describe('a meeting longer than the context', () => {
  it('is noted in parts and summed up, all on the device', async () => {
    const backend = new ScriptedBackend({ script: scripted });
    const steps: MinutesProgress[] = [];
    const minutes = await maker(backend).make(
      { kind: 'transcript', transcript: { lines: longMeeting(120) } },
      { signal, onProgress: (step) => void steps.push(step) },
    );
    const parts = backend.requests.filter((request) => lastText(request).startsWith('Part of'));
    expect(parts.length).toBeGreaterThan(3);
    expect(backend.requests.every(({ route }) => route?.preference === 'only_on_device')).toBe(true);
    expect(new Set(minutes.transcript.map(({ text }) => text)).size).toBe(120);
    for (const request of parts) expect(lastText(request).length).toBeLessThan(3500);
    expect(minutes.summary).toContain('plan number 0');
    expect(minutes.title).toBe('We say the budget');
    expect(minutes.receipts).toHaveLength(parts.length);
    expect(steps.at(-1)).toEqual({ stage: 'summary', done: 1, total: 1 });
    expect(steps.findLast(({ stage }) => stage === 'notes')).toMatchObject({
      done: parts.length,
      total: parts.length,
    });
  });

  it('a part whose answer does not end is tried in halves, and what fails at last is said', async () => {
    const backend = new ScriptedBackend({
      script: (request) =>
        lastText(request).includes('number 7.') ? answer('{"summary": "We', { length: true }) : scripted(request),
    });
    const minutes = await maker(backend).make(
      { kind: 'transcript', transcript: { lines: longMeeting(12) } },
      { signal },
    );
    expect(minutes.withoutNotes).toEqual([{ start: 35, end: 40 }]);
    expect(minutes.summary).toContain('number 0');
  });

  it('a summary keeps no sentence whose numbers nobody said', async () => {
    const backend = new ScriptedBackend({
      script: (request) =>
        lastText(request).startsWith('Part of')
          ? answer(
              JSON.stringify({
                summary: 'The budget of the new servers was discussed. The budget of the servers is 4711 euros.',
                decisions: [],
                actions: [],
                questions: [],
              }),
            )
          : scripted(request),
    });
    const minutes = await maker(backend).make(
      { kind: 'transcript', transcript: { lines: longMeeting(3) } },
      { signal },
    );
    expect(minutes.summary).toBe('The budget of the new servers was discussed.');
    expect(minutes.leftOut).toBe(1);
  });
});

it('a summary that does not hold at all gives way to what was said', async () => {
  const script = (request: GenerationRequest): Iterable<ScriptStep> =>
    lastText(request).startsWith('Part of')
      ? answer(JSON.stringify({ summary: 'Elephants fly.', decisions: [], actions: [], questions: [] }))
      : scripted(request);
  const lines = [...longMeeting(3), { start: 20, end: 25, text: 'Bye.' }];
  const minutes = await maker(new ScriptedBackend({ script })).make(
    { kind: 'transcript', transcript: { lines } },
    { signal },
  );
  expect(minutes.summary).toMatch(/^We say the budget .* 0\. We say .* 1\. We say .* 2\.$/);
  expect(minutes.leftOut).toBe(1);
});

/** Hears windows of 30 s with two segments each. `hang` stops for good after the first segment of that window. */
class FakeTranscriber implements Transcriber {
  readonly calls: { fromSeconds: number; language: string | undefined; prompt: string | undefined }[] = [];
  hang: number | undefined;

  async transcribe(_: unknown, options: TranscribeOptions) {
    const { fromSeconds = 0, language, prompt } = options;
    this.calls.push({ fromSeconds, language, prompt });
    options.onLanguage?.('en');
    for (let at = fromSeconds; at < 90; at += 30) {
      options.onProgress?.(at, 90);
      for (const start of [at, at + 15]) {
        options.onSegment?.({
          start,
          end: start + 15,
          text: ` We talk of item ${start} now.`,
          averageLogprob: 0,
          noSpeechProbability: 0,
        });
        if (at === this.hang) {
          await new Promise((_resolve, reject) => {
            options.signal.addEventListener('abort', () => reject(options.signal.reason as Error));
          });
        }
      }
    }
    return { text: '', language: 'en', languageProbability: 1, durationSeconds: 90, segments: [], model: 'ears' };
  }
}

async function interrupted(job: (signal: AbortSignal) => Promise<unknown>, when: () => boolean): Promise<void> {
  const abort = new AbortController();
  const run = job(abort.signal);
  run.catch(() => {});
  while (!when()) {
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
  abort.abort(makeError('client_closed', {}));
  await expect(run).rejects.toMatchObject({ code: 'client_closed' });
}

describe('a job that was interrupted', () => {
  it('hears on from the last whole window, and leaves nothing behind when it is done', async () => {
    const ears = new FakeTranscriber();
    ears.hang = 30;
    const lines: TranscriptLine[] = [];
    const make = (options: { signal: AbortSignal }) =>
      maker(new ScriptedBackend({ script: scripted }), ears).make(
        { kind: 'sound', audio },
        { ...options, onLine: (line) => void lines.push(line) },
      );
    await interrupted(
      (abort) => make({ signal: abort }),
      () => lines.length === 3,
    );
    const file = readdirSync(directory).find((name) => name.endsWith('.jsonl'));
    const state = path.join(directory, file ?? '');
    expect(statSync(state).mode & 0o777).toBe(0o600);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(readFileSync(state, 'utf8')).toContain('item 30');
    // The process was killed while it wrote.
    writeFileSync(state, `${readFileSync(state, 'utf8')}{"type":"li`);
    ears.hang = undefined;
    const minutes = await make({ signal });
    expect(ears.calls[1]).toMatchObject({ fromSeconds: 30, language: 'en' });
    expect(ears.calls[1]?.prompt).toContain('item 15 now.');
    expect(minutes.transcript.map(({ start }) => start)).toEqual([0, 15, 30, 45, 60, 75]);
    expect(minutes).toMatchObject({
      durationSeconds: 90,
      language: 'en',
      models: { speech: 'ears', language: 'scripted-1' },
    });
    expect(readdirSync(directory)).toEqual([]);
  });

  it('keeps every line that was heard before it was stopped, however busy the disk is', async () => {
    const ears = new FakeTranscriber();
    ears.hang = 30;
    const abort = new AbortController();
    const heard: TranscriptLine[] = [];
    const run = maker(new ScriptedBackend({ script: scripted }), ears).make(
      { kind: 'sound', audio },
      {
        signal: abort.signal,
        onLine(line) {
          heard.push(line);
          if (heard.length === 3) setImmediate(() => abort.abort(makeError('client_closed', {})));
        },
      },
    );
    await expect(run).rejects.toMatchObject({ code: 'client_closed' });
    const file = readdirSync(directory).find((name) => name.endsWith('.jsonl'));
    expect(readFileSync(path.join(directory, file ?? ''), 'utf8')).toContain('item 30');
  });

  it('asks the model nothing a second time that it answered already', async () => {
    const transcript = { lines: longMeeting(120) };
    const first = new ScriptedBackend({
      script: (request) => (lastText(request).startsWith('Notes of') ? [{ step: 'hang' }] : scripted(request)),
    });
    await interrupted(
      (abort) => maker(first).make({ kind: 'transcript', transcript }, { signal: abort }),
      () => first.requests.some((request) => lastText(request).startsWith('Notes of')),
    );
    const second = new ScriptedBackend({ script: scripted });
    const minutes = await maker(second).make({ kind: 'transcript', transcript }, { signal });
    expect(second.requests.some((request) => lastText(request).startsWith('Part of'))).toBe(false);
    expect(minutes.receipts.length).toBeGreaterThan(3);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('keeps nothing where that is wished, and runs where nothing can be written', async () => {
    const source = { kind: 'transcript' as const, transcript: { lines: longMeeting(3) } };
    const backend = new ScriptedBackend({ script: scripted });
    await maker(backend).make(source, { signal, resume: false });
    expect(() => readdirSync(directory)).toThrow(/ENOENT/);
    writeFileSync(directory, 'a file where the folder should be');
    expect((await maker(backend).make(source, { signal })).title).toBe('We say the budget');
  });
});

describe('what goes wrong', () => {
  it('an engine that dies is asked again; one that dies again and again is said', async () => {
    let deaths = 2;
    const script = (request: GenerationRequest): Iterable<ScriptStep> =>
      deaths-- > 0 ? [{ step: 'throw', error: makeError('engine_crashed', { reason: 'killed' }) }] : scripted(request);
    const source = { kind: 'transcript' as const, transcript: { lines: longMeeting(3) } };
    expect((await maker(new ScriptedBackend({ script })).make(source, { signal })).summary).not.toBe('');
    deaths = 100;
    await expect(maker(new ScriptedBackend({ script })).make(source, { signal })).rejects.toMatchObject({
      code: 'engine_crashed',
    });
  });

  it('silence, and sound where nothing hears', async () => {
    const backend = new ScriptedBackend({ script: scripted });
    const silent = { kind: 'transcript' as const, transcript: { lines: [{ start: 0, end: 1, text: '  ' }] } };
    await expect(maker(backend).make(silent, { signal })).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(maker(backend).make({ kind: 'sound', audio }, { signal })).rejects.toMatchObject({
      code: 'module_not_installed',
    });
    expect(readdirSync(directory)).toEqual([]);
  });
});
