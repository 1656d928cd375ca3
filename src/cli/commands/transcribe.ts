import type { Command } from 'commander';
import { makeError } from '../../core/errors.ts';
import type { Transcript } from '../../core/perception.ts';
import { subRip, transcriptionBody, webVtt } from '../../protocol/transcription.ts';
import { addSettings, configOf } from '../command-options.ts';
import { exitCodeOf, watchInterrupts } from '../interrupts.ts';
import type { CommandContext } from '../run-command.ts';
import { readUserFile } from '../user-file.ts';

type Flags = {
  language?: string;
  translate?: true;
  prompt?: string;
  format: string;
  words?: true;
  json?: true;
};

/** One buffer holds it, and Node's are limited to 4 GiB. */
const mostFileMib = 2048;
const formats = ['text', 'srt', 'vtt', 'json'] as const;

export function addTranscribeCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('transcribe')
    .description('Write down the speech in a file, on this device.')
    .argument('<file>', 'WAV, MP3, FLAC, OGG, M4A or WebM')
    .option('--language <code>', 'Language, such as zh or en (default: detected).')
    .option('--translate', 'Write English, whatever is spoken.')
    .option('--prompt <text>', 'Words and names that are likely to occur.')
    .option('--format <format>', 'text, srt, vtt or json.', 'text')
    .option('--words', 'Times of single words, with json.')
    .option('--json', 'The same as --format json.')
    .action(async (file: string) => transcribe(file, command, context));
  addSettings(command, ['general', 'engine']);
}

async function transcribe(file: string, command: Command, context: CommandContext): Promise<void> {
  const { application, terminal } = context;
  const flags = command.opts<Flags>();
  const format = flags.json === true ? 'json' : formats.find((each) => each === flags.format);
  if (format === undefined) throw makeError('invalid_request', { reason: 'The format is text, srt, vtt or json.' });
  const config = configOf(command);
  const bytes = await readUserFile(file, mostFileMib);
  const { log, metrics } = application.openTelemetry({ ...config, logLevel: 'warn' });
  const store = application.openStore(config, log);
  const modules = application.createModules(config, { log, metrics });
  const speech = application.createSpeech(config, { log, modules, store });
  for (const module of speech.managedModules()) modules.register(module);
  const interrupts = watchInterrupts(() => process.exit(130));
  try {
    const transcript = await speech.transcribe(
      { type: 'audio', bytes, format: '' },
      {
        signal: interrupts.signal,
        task: flags.translate === true ? 'translate' : 'transcribe',
        words: flags.words === true,
        ...(flags.language === undefined ? {} : { language: flags.language }),
        ...(flags.prompt === undefined ? {} : { prompt: flags.prompt }),
        onSegment(segment) {
          if (format === 'text') terminal.out(`${segment.text.trim()}\n`);
        },
        onProgress(heard, total) {
          if (format === 'text') return;
          terminal.note(`heard ${heard.toFixed(0)} s${total === undefined ? '' : ` of ${total.toFixed(0)} s`}\n`);
        },
      },
    );
    terminal.out(finalText(transcript, format, flags));
  } catch (error) {
    if (!interrupts.signal.aborted) throw error;
    context.exitCode = interrupts.first === undefined ? 1 : exitCodeOf(interrupts.first);
  } finally {
    interrupts.dispose();
    await modules.dispose();
    await store.dispose();
  }
}

function finalText(transcript: Transcript, format: (typeof formats)[number], flags: Flags): string {
  switch (format) {
    case 'text':
      return '';
    case 'srt':
      return subRip(transcript.segments);
    case 'vtt':
      return webVtt(transcript.segments);
    case 'json': {
      const wanted = { form: 'verbose_json', words: flags.words === true, segments: true } as const;
      const task = flags.translate === true ? 'translate' : 'transcribe';
      return `${JSON.stringify(JSON.parse(transcriptionBody(transcript, wanted, task).body), null, 2)}\n`;
    }
  }
}
