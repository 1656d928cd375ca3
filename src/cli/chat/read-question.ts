/** Lines from the keyboard become questions: pasted lines stay together, and a question may have several lines. */
import { createInterface, type Interface } from 'node:readline';
import type { Writable } from 'node:stream';
import type { Terminal } from '../terminal.ts';

/** Lines that come closer together than a person types were pasted. */
const pasteGapMs = 30;
const fence = '"""';
/** Lines that are never part of a longer question. */
const commands = /^\s*\/(?:exit|clear|help|(?:image|audio)\s.*)\s*$/;

export type QuestionReader = {
  /** The next question, or `undefined` at the end of the input (Ctrl-D). */
  next(): Promise<string | undefined>;
  /** Ctrl-C at the keyboard. */
  onInterrupt(handler: () => void): void;
  close(): void;
};

/** @param echo where the line editor draws */
export function openQuestionReader(terminal: Terminal, echo: Writable, prompt: string): QuestionReader {
  const lines: string[] = [];
  let wake = (): void => {};
  const state = { ended: false };
  const keyboard: Interface = createInterface({
    input: terminal.input,
    output: echo,
    prompt,
    terminal: true,
  });
  keyboard.on('line', (line) => {
    lines.push(line);
    wake();
  });
  keyboard.on('close', () => {
    state.ended = true;
    wake();
  });

  const nextLine = async (limitMs?: number): Promise<string | undefined> => {
    const timer = limitMs === undefined ? undefined : setTimeout(() => wake(), limitMs);
    while (lines.length === 0 && !state.ended) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      if (limitMs !== undefined) break;
    }
    clearTimeout(timer);
    return lines.shift();
  };

  const rest = async (first: string): Promise<string> => {
    const collected = [first];
    const isFenced = first.startsWith(fence);
    for (;;) {
      const last = collected.at(-1) ?? '';
      const isOpen = isFenced ? !isFenceEnd(last, collected.length) : last.endsWith('\\');
      if (isOpen) keyboard.setPrompt('… ');
      if (isOpen) keyboard.prompt();
      const more = await nextLine(isOpen ? undefined : pasteGapMs);
      if (more === undefined) break;
      collected.push(more);
    }
    keyboard.setPrompt(prompt);
    return joinLines(collected);
  };

  return {
    async next() {
      keyboard.prompt();
      const first = await nextLine();
      return first === undefined || commands.test(first) ? first : rest(first);
    },
    onInterrupt: (handler) => void keyboard.on('SIGINT', handler),
    close: () => keyboard.close(),
  };
}

function isFenceEnd(line: string, count: number): boolean {
  return line.endsWith(fence) && (count > 1 || line.length >= 2 * fence.length);
}

/** Takes the fences and the line-end backslashes away. */
export function joinLines(lines: readonly string[]): string {
  const text = lines.join('\n');
  if (text.startsWith(fence)) return text.slice(fence.length, text.endsWith(fence) ? -fence.length : undefined).trim();
  return lines
    .map((line, index) => (index < lines.length - 1 && line.endsWith('\\') ? line.slice(0, -1) : line))
    .join('\n');
}
