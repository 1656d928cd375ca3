import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Option, type Command } from 'commander';
import { z } from 'zod';
import { systemClock } from '../../core/clock.ts';
import { makeError } from '../../core/errors.ts';
import type { ChatClient } from '../chat/chat-client.ts';
import { addSettings, configOf } from '../command-options.ts';
import { connect } from '../connect.ts';
import { exitCodeOf, watchInterrupts } from '../interrupts.ts';
import { ProgressLine } from '../progress-line.ts';
import { UsageError } from '../report-error.ts';
import type { CommandContext } from '../run-command.ts';
import { readUserFile } from '../user-file.ts';

type Flags = {
  url?: string;
  model?: string;
  language?: string;
  prompt?: string;
  title?: string;
  date?: string;
  output?: string;
  json?: true;
  fresh?: true;
  speakers?: string;
};

/** As for `transcribe`. */
const mostFileMib = 2048;
/** For the form around the file. */
const formBytes = 64 * 1024;
/** A file of this size may come slowly, from a disk that sleeps. */
const ownBodyTimeoutMs = 600_000;
const doneType = 'minutes.done';

const progressSchema = z.object({
  type: z.literal('minutes.progress'),
  stage: z.enum(['hearing', 'speakers', 'notes', 'summary']),
  done: z.number(),
  total: z.number().nullable(),
});
const doneSchema = z.object({
  type: z.literal(doneType),
  minutes: z.looseObject({}),
  markdown: z.string(),
});

export function addMinutesCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('minutes')
    .description(
      'Minutes of a meeting: summary, decisions, actions, open questions, transcript. Nothing leaves the device.',
    )
    .argument(
      '<file>',
      'Recording (WAV, MP3, FLAC, OGG, M4A, WebM), or a transcript (.json of "duanyun transcribe --json", .txt)',
    )
    .addOption(
      new Option(
        '--url <url>',
        'Server that makes them. Without it: the one on the usual port, or else an engine of its own.',
      ).env('DUANYUN_BASE_URL'),
    )
    .option('--language <code>', 'Language of the meeting, such as zh or en (default: detected).')
    .option('--prompt <text>', 'Words and names that are likely to occur.')
    .option('--title <text>', 'Title, instead of one that the model finds.')
    .option('--date <day>', 'Day of the meeting, such as 2026-11-27: makes days of "tomorrow" and "by Friday".')
    .option('--speakers <number>', 'How many people speak (default: as many as differ enough); 1 tells nobody apart.')
    .option('--output <file>', 'Write to this file instead of the terminal; .json means JSON.')
    .option('--json', 'JSON instead of Markdown.')
    .option('--fresh', 'Begin anew and keep nothing on disk, instead of going on where an earlier run was interrupted.')
    .action(async (file: string) => minutes(file, command, context));
  addSettings(command, ['general', 'engine', 'store']);
}

async function minutes(file: string, command: Command, context: CommandContext): Promise<void> {
  const { terminal } = context;
  const flags = command.opts<Flags>();
  const config = configOf(command);
  const bytes = await readUserFile(file, mostFileMib);
  const body = bodyOf(file, bytes, flags);
  const interrupts = watchInterrupts(() => process.exit(130));
  const progress = new ProgressLine(terminal, systemClock);
  try {
    const connection = await connect(flags, config, context, interrupts.signal, {
      maxBodyBytes: Math.max(bytes.length + formBytes, Math.round(config.maxBodyMib * 1024 * 1024)),
      bodyTimeoutMs: ownBodyTimeoutMs,
    });
    try {
      const result = await follow(connection.client, body, interrupts.signal, progress);
      progress.clear();
      const asJson = flags.json === true || (flags.output?.toLowerCase().endsWith('.json') ?? false);
      const text = asJson ? `${JSON.stringify(result.minutes, null, 2)}\n` : result.markdown;
      if (flags.output === undefined) terminal.out(text);
      else {
        await write(flags.output, text);
        terminal.note(`${flags.output} is written\n`);
      }
    } finally {
      progress.clear();
      await connection.close();
    }
  } catch (error) {
    if (!interrupts.signal.aborted) throw error;
    if (flags.fresh !== true) terminal.note('interrupted; the same command goes on from here\n');
    context.exitCode = interrupts.first === undefined ? 1 : exitCodeOf(interrupts.first);
  } finally {
    interrupts.dispose();
  }
}

async function follow(
  client: ChatClient,
  body: FormData | object,
  signal: AbortSignal,
  progress: ProgressLine,
): Promise<z.infer<typeof doneSchema>> {
  for await (const event of client.events('/v1/minutes', body, { signal, lastType: doneType })) {
    const step = progressSchema.safeParse(event);
    if (step.success) progress.show(step.data.stage, stepText(step.data));
    const done = doneSchema.safeParse(event);
    if (done.success) return done.data;
  }
  throw makeError('stream_broken', {});
}

function stepText({ stage, done, total }: z.infer<typeof progressSchema>): string {
  const of = total === null ? '' : ` of ${Math.round(total)}`;
  switch (stage) {
    case 'hearing':
      return `hearing: ${Math.round(done)}${of} s`;
    case 'speakers':
      return 'telling the speakers apart';
    case 'notes':
      return `taking notes: part ${Math.min(done + 1, total ?? done + 1)}${of}`;
    case 'summary':
      return 'writing the summary';
  }
}

/** A transcript goes as JSON, everything else as a recording: what it is, the server sees in its first bytes. */
function bodyOf(file: string, bytes: Buffer, flags: Flags): FormData | object {
  const { model, language, prompt, title, date } = flags;
  const fields = {
    ...(model === undefined ? {} : { model }),
    ...(language === undefined ? {} : { language }),
    ...(title === undefined ? {} : { title }),
    ...(date === undefined ? {} : { date }),
    response_format: 'markdown',
  };
  const extension = path.extname(file).toLowerCase();
  if (extension === '.json' || extension === '.txt') {
    const text = bytes.toString('utf8');
    const transcript = extension === '.txt' ? { text } : transcriptOf(file, text);
    return { transcript, ...fields, stream: true, resume: flags.fresh !== true };
  }
  const form = new FormData();
  form.set('file', new File([bytes], path.basename(file)));
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  if (prompt !== undefined) form.set('prompt', prompt);
  if (flags.speakers !== undefined) form.set('speakers', flags.speakers);
  form.set('stream', 'true');
  form.set('resume', flags.fresh === true ? 'false' : 'true');
  return form;
}

/** What `transcribe --json` writes, or minutes as JSON, whose transcript is a list. */
function transcriptOf(file: string, text: string): unknown {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new UsageError(`${file} is not valid JSON`);
  }
  const { transcript } = (parsed ?? {}) as { transcript?: unknown };
  if (Array.isArray(transcript)) return { segments: transcript };
  return transcript ?? parsed;
}

async function write(file: string, text: string): Promise<void> {
  try {
    // What was said in a meeting is nobody else's business.
    await writeFile(file, text, { mode: 0o600 });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw makeError(
      'invalid_request',
      { reason: `The file ${file} cannot be written: ${code ?? 'unknown'}.` },
      { cause },
    );
  }
}
