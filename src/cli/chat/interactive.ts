/** The conversation at the keyboard. */
import type { Writable } from 'node:stream';
import { DuanyunError } from '../../core/errors.ts';
import type { Terminal } from '../terminal.ts';
import { readAudio, readImage } from './attachments.ts';
import type { Conversation } from './conversation.ts';
import { openQuestionReader } from './read-question.ts';

const help = `/image FILE   look at a picture with the next question; /audio FILE the same with a recording, which may ask by itself
/clear   begin anew
/exit    end (or Ctrl-D)
Ctrl-C   stop the answer; at the prompt: end
A line that ends with \\ goes on in the next one; """ begins and ends a text of several lines.
`;

/**
 * Returns the exit code. Throws the signal's reason when it is aborted from outside.
 * @param echo where the line editor draws
 */
export async function chatAtKeyboard(
  conversation: Conversation,
  terminal: Terminal,
  signal: AbortSignal,
  echo: Writable = process.stdout,
): Promise<number> {
  const reader = openQuestionReader(terminal, echo, '> ');
  let answering: AbortController | undefined;
  let exitCode = 0;
  reader.onInterrupt(() => {
    if (answering !== undefined) {
      answering.abort(new StoppedError());
      return;
    }
    exitCode = 130;
    reader.close();
  });
  const onAbort = (): void => {
    answering?.abort(signal.reason);
    reader.close();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  terminal.out('Ask in any language; /help shows more.\n');
  try {
    for (;;) {
      const question = await reader.next();
      signal.throwIfAborted();
      if (question === undefined || question.trim() === '/exit') return exitCode;
      // An empty line asks where a recording does.
      if (question.trim() === '' && !conversation.hasAttached) continue;
      if (question.trim() === '/help') terminal.out(help);
      else if (question.trim() === '/clear') conversation.clear();
      else if (/^\/(?:image|audio)\s/.test(question)) await attach(conversation, question, terminal);
      else {
        answering = new AbortController();
        await answerOnce(conversation, question, answering.signal, terminal);
        answering = undefined;
      }
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    reader.close();
  }
}

async function attach(conversation: Conversation, command: string, terminal: Terminal): Promise<void> {
  const [, kind, file = ''] = /^\/(image|audio)\s+(.*)$/s.exec(command.trim()) ?? [];
  try {
    conversation.attach([await (kind === 'audio' ? readAudio(file) : readImage(file))]);
    const rest = kind === 'audio' ? 'ask with text or with an empty line' : 'now ask';
    terminal.note(`${file} goes with the next question; ${rest}\n`);
  } catch (error) {
    if (!(error instanceof DuanyunError)) throw error;
    terminal.note(`error [${error.code}]: ${error.message}\n`);
  }
}

class StoppedError extends Error {}

/** A refused or broken answer ends that answer, not the conversation. */
async function answerOnce(
  conversation: Conversation,
  question: string,
  signal: AbortSignal,
  terminal: Terminal,
): Promise<void> {
  try {
    await conversation.ask(question, signal);
  } catch (error) {
    if (signal.aborted) terminal.note('[stopped]\n');
    else if (error instanceof DuanyunError) terminal.note(`error [${error.code}]: ${error.message}\n`);
    else throw error;
  }
}
