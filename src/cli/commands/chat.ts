import { InvalidArgumentError, Option, type Command } from 'commander';
import { makeError } from '../../core/errors.ts';
import { readAudio, readImage } from '../chat/attachments.ts';
import { Conversation } from '../chat/conversation.ts';
import { chatAtKeyboard } from '../chat/interactive.ts';
import { connect } from '../connect.ts';
import { addSettings, configOf } from '../command-options.ts';
import { watchInterrupts } from '../interrupts.ts';
import { UsageError } from '../report-error.ts';
import type { CommandContext } from '../run-command.ts';
import type { Terminal } from '../terminal.ts';

type ChatFlags = {
  url?: string;
  system?: string;
  temperature?: number;
  maxTokens?: number;
  json?: true;
  model?: string;
  image: string[];
  audio: string[];
};

const inputNoticeMs = 2_000;
/** A pipe with more than this is no question. */
const maxInputBytes = 4 * 1024 * 1024;

export function addChatCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('chat')
    .description('Talk to a model: at the keyboard, or one question from the arguments or a pipe.')
    .argument('[question...]')
    .addOption(
      new Option(
        '--url <url>',
        'Server to talk to. Without it: the one on the usual port, or else an engine of its own.',
      ).env('DUANYUN_BASE_URL'),
    )
    .option('--system <text>', 'System prompt, instead of the model’s own persona.')
    .option('--temperature <number>', '0 always takes the likeliest token, up to 2.', numberBetween(0, 2))
    .option('--max-tokens <number>', 'Longest answer.', numberBetween(1, 1_000_000))
    .option('--image <file>', 'Picture that goes with the question; may be given more than once.', collect, [])
    .option('--audio <file>', 'Recording that goes with the question, or asks it.', collect, [])
    .option('--json', 'One question: print text and figures as JSON.')
    .action(async (words: string[]) => chat(words, command, context));
  addSettings(command, ['general', 'engine', 'cloud', 'store']);
}

async function chat(words: string[], command: Command, context: CommandContext): Promise<void> {
  const { terminal } = context;
  const flags = command.opts<ChatFlags>();
  const config = configOf(command);
  const attached = [
    ...(await Promise.all(flags.image.map(readImage))),
    ...(await Promise.all(flags.audio.map(readAudio))),
  ];
  const question = await oneQuestion(words, terminal, { isSpoken: flags.audio.length > 0 });
  if (question === undefined && flags.json) throw new UsageError('--json needs a question');
  const interrupts = watchInterrupts(() => process.exit(130));
  const connection = await connect(flags, config, context, interrupts.signal).catch((error: unknown) => {
    interrupts.dispose();
    throw error;
  });
  try {
    const { system, temperature, maxTokens } = flags;
    const conversation = new Conversation({
      client: connection.client,
      terminal,
      model: connection.model,
      ...(system === undefined ? {} : { system }),
      ...(temperature === undefined ? {} : { temperature }),
      ...(maxTokens === undefined ? {} : { maxTokens }),
    });
    conversation.attach(attached);
    if (question === undefined) {
      // The keyboard hands Ctrl-C to the conversation itself.
      context.exitCode = await chatAtKeyboard(conversation, terminal, interrupts.signal);
      return;
    }
    const answer = await conversation.ask(question, interrupts.signal, { silent: flags.json === true });
    if (flags.json) terminal.out(`${JSON.stringify(answer)}\n`);
  } finally {
    await connection.close();
    interrupts.dispose();
  }
}

/**
 * The arguments, what is piped in, or both; `undefined` when a person sits at the keyboard. A recording asks by itself:
 * then there may be no text, and none is waited for at a keyboard.
 */
async function oneQuestion(
  words: readonly string[],
  terminal: Terminal,
  { isSpoken }: { isSpoken: boolean },
): Promise<string | undefined> {
  const asked = words.join(' ').trim();
  const { input } = terminal;
  if (input.isTTY === true) return asked === '' && !isSpoken ? undefined : asked;
  // Without a terminal and without a pipe (cron, a service) the arguments must do.
  const piped = await readAll(terminal);
  const question = [asked, piped.trim()].filter((part) => part !== '').join('\n\n');
  if (question === '' && !isSpoken) throw new UsageError('there is no question: write it as an argument or pipe it in');
  return question;
}

async function readAll(terminal: Terminal): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  // A script may hold the pipe open without ever writing to it.
  const notice = setTimeout(() => terminal.note('reading the question from standard input …\n'), inputNoticeMs);
  notice.unref();
  for await (const chunk of terminal.input) {
    const bytes = Buffer.from(chunk as Uint8Array);
    sizeBytes += bytes.length;
    if (sizeBytes > maxInputBytes) throw makeError('body_too_large', { limitMiB: maxInputBytes / 1024 / 1024 });
    chunks.push(bytes);
  }
  clearTimeout(notice);
  return Buffer.concat(chunks).toString('utf8');
}

function collect(value: string, soFar: string[]): string[] {
  return [...soFar, value];
}

function numberBetween(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a number, ${least}–${most}.`);
  };
}
