/** The command `duanyun`: parses the arguments, runs one command and returns the exit code. */
import { Command, CommanderError, Option } from 'commander';
import type { Application } from './application.ts';
import { addAdaptersCommand } from './commands/adapters.ts';
import { addAdviseCommand } from './commands/advise.ts';
import { addBenchCommand } from './commands/bench.ts';
import { addChatCommand } from './commands/chat.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addExplainCommand } from './commands/explain.ts';
import { addFinetuneCommand } from './commands/finetune.ts';
import { addKeysCommand } from './commands/keys.ts';
import { addMinutesCommand } from './commands/minutes.ts';
import { addModelsCommand } from './commands/models.ts';
import { addModulesCommand } from './commands/modules.ts';
import { addSessionsCommand } from './commands/sessions.ts';
import { addOptimizeCommand } from './commands/optimize.ts';
import { addPullCommand } from './commands/pull.ts';
import { addServeCommand } from './commands/serve.ts';
import { addStatsCommand } from './commands/stats.ts';
import { addTranscribeCommand } from './commands/transcribe.ts';
import { reportError } from './report-error.ts';
import type { Terminal } from './terminal.ts';

export type CommandContext = {
  application: Application;
  terminal: Terminal;
  /** Set by a command that ends well with another code than 0. */
  exitCode: number;
};

const examples = `
Examples:
  duanyun serve                          the server on http://127.0.0.1:8000
  duanyun serve --model qwen2.5-coder-0.5b --port 8131
  duanyun chat                           talk in the terminal
  duanyun chat "你是谁?"                  one question, one answer
  git diff | duanyun chat "Review this"  the input is part of the question
  duanyun pull qwen2.5-coder-1.5b        fetch a model
  duanyun optimize                       make the default model faster on this machine
  duanyun doctor                         what works here and what does not
  duanyun explain "text"                 where it would run, and why

Every flag is also a variable (--port is DUANYUN_PORT) and a line in config.yaml. Weights and state lie under DUANYUN_HOME.
`;

export async function runCommand(
  args: readonly string[],
  application: Application,
  terminal: Terminal,
): Promise<number> {
  const context: CommandContext = { application, terminal, exitCode: 0 };
  const program = createProgram(context);
  try {
    await program.parseAsync(args, { from: 'user' });
    return context.exitCode;
  } catch (error) {
    // Commander has printed what it had to say: help and version end with 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return reportError(error, terminal, args.includes('--verbose'));
  }
}

/** For the tests and the README's table of commands too. */
export function createProgram(context: CommandContext): Command {
  const { application, terminal } = context;
  const program = new Command('duanyun')
    .description('One OpenAI-compatible entry for models on this device and in the cloud.')
    .version(application.version)
    .addHelpText('after', examples)
    .showSuggestionAfterError(true)
    .helpCommand(true);
  addServeCommand(program, context);
  addChatCommand(program, context);
  addPullCommand(program, context);
  addOptimizeCommand(program, context);
  addModelsCommand(program, context);
  addAdaptersCommand(program, context);
  addFinetuneCommand(program, context);
  addModulesCommand(program, context);
  addSessionsCommand(program, context);
  addDoctorCommand(program, context);
  addBenchCommand(program, context);
  addAdviseCommand(program, context);
  addExplainCommand(program, context);
  addStatsCommand(program, context);
  addKeysCommand(program, context);
  addTranscribeCommand(program, context);
  addMinutesCommand(program, context);
  for (const command of allCommands(program)) {
    command.exitOverride().configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.note(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'error [usage]: ')),
    });
    if (command.commands.length === 0) {
      command.addOption(new Option('--verbose', 'Show what is known of the cause of an error.'));
    }
  }
  return program;
}

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}
