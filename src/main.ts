/** Runs the command with the concrete pieces. */
import { application } from './application.ts';
import { runCommand } from './cli/run-command.ts';
import { processTerminal } from './cli/terminal.ts';

const code = await runCommand(process.argv.slice(2), application, processTerminal());
// Idle connections of clients would keep the process alive; what was printed must be out before it ends.
await new Promise<void>((resolve) => {
  process.stdout.write('', () => resolve());
});
process.exit(code);
