/** A question at the keyboard that is answered with yes or no. */
import { createInterface } from 'node:readline';
import type { Terminal } from './terminal.ts';

/** Whether somebody sits there who can answer. */
export function canAsk({ outIsTerminal, input }: Terminal): boolean {
  return outIsTerminal && input.isTTY === true;
}

/** No by default, and where the input ends. */
export function askYesNo(terminal: Terminal, question: string): Promise<boolean> {
  terminal.out(`${question} [y/N] `);
  const keyboard = createInterface({ input: terminal.input, terminal: false });
  return new Promise((resolve) => {
    let isYes = false;
    keyboard.once('line', (line) => {
      isYes = /^\s*(y|yes|是|好)\s*$/i.test(line);
      keyboard.close();
    });
    keyboard.once('close', () => resolve(isYes));
  });
}
