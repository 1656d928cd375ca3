import { describe, expect, it } from 'vitest';
import type { Transcript } from '../core/perception.ts';
import { parseTranscription, subRip, transcriptionBody, webVtt } from './transcription.ts';

function form(fields: Record<string, string>, withFile = true): FormData {
  const data = new FormData();
  if (withFile) data.append('file', new File(['x'], 'a.wav'));
  for (const [name, value] of Object.entries(fields)) data.append(name, value);
  return data;
}
const transcript: Transcript = {
  text: 'Hello there.',
  language: 'en',
  languageProbability: 0.9,
  durationSeconds: 3661.5,
  segments: [{ text: ' Hello --> there.', start: 0, end: 3661.25, averageLogprob: -0.2, noSpeechProbability: 0.01 }],
  model: 'whisper-base',
};

describe('transcription requests', () => {
  it('reads the fields of a form', () => {
    const parsed = parseTranscription(
      form({ response_format: 'verbose_json', 'timestamp_granularities[]': 'word', language: 'ZH', stream: 'true' }),
    );
    expect(parsed).toMatchObject({ form: 'verbose_json', words: true, segments: false, language: 'zh', stream: true });
  });

  it.each([
    [{ response_format: 'xml' }, 'response_format'],
    [{ temperature: '2' }, 'temperature'],
    [{ temperature: 'warm' }, 'temperature'],
    [{ stream: 'yes' }, 'stream'],
    [{ 'timestamp_granularities[]': 'word' }, 'timestamp_granularities'],
  ])('refuses %j and names the field', (fields, param) => {
    expect(() => parseTranscription(form(fields as Record<string, string>))).toThrow(
      expect.objectContaining({ code: 'invalid_request', param }),
    );
  });

  it('asks for the file', () => {
    expect(() => parseTranscription(form({}, false))).toThrow(expect.objectContaining({ param: 'file' }));
  });
});

describe('transcripts', () => {
  it('become subtitles whose text cannot end a cue', () => {
    expect(subRip(transcript.segments)).toBe('1\n00:00:00,000 --> 01:01:01,250\nHello → there.\n\n');
    expect(webVtt(transcript.segments)).toBe('WEBVTT\n\n00:00:00.000 --> 01:01:01.250\nHello → there.\n\n');
  });

  it('name the language in full in verbose_json', () => {
    const { body } = transcriptionBody(
      transcript,
      { form: 'verbose_json', words: false, segments: true },
      'transcribe',
    );
    expect(JSON.parse(body)).toMatchObject({
      language: 'english',
      duration: 3661.5,
      segments: [{ id: 0, end: 3661.25 }],
    });
  });
});
