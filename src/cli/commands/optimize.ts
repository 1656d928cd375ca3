import { Option, type Command } from 'commander';
import { makeError } from '../../core/errors.ts';
import type { InstalledModel } from '../../core/model-store.ts';
import { systemClock } from '../../core/clock.ts';
import { klLimits, optimizeGoals } from '../../engine/optimize/choose-recipe.ts';
import { tunedName } from '../../models/tuned-files.ts';
import type { Store } from '../application.ts';
import { addSettings, configOf } from '../command-options.ts';
import { formatBytes } from '../format.ts';
import { runOptimize, type OptimizeFlags } from '../optimize/run-optimize.ts';
import type { CommandContext } from '../run-command.ts';
import { withStore } from '../with-store.ts';

type Flags = OptimizeFlags & { undo?: true };

const goals = `
Goals, by what they accept as the mean KL divergence from the published file (nats a token):
  speed      the fastest, at most ${klLimits.speed}
  balanced   the fastest, at most ${klLimits.balanced}
  small      the smallest file, at most ${klLimits.small}
  exact      the fastest, at most ${klLimits.exact}

Candidates and the published file are timed in turns on this machine. The published file stays where it is;
servers and chats that start afterwards use the new one. It takes minutes: all cores are busy meanwhile.
`;

export function addOptimizeCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('optimize')
    .description('Rewrite the weights of a model in the formats that are fastest on this machine.')
    .argument('[model]', 'id, alias, path to a .gguf file, or `default`', 'default')
    .addOption(new Option('--for <goal>', 'What to optimise for.').choices(optimizeGoals).default('balanced'))
    .option(
      '--source <file>',
      'A file of the same model in more bits (Q8_0, F16), by path or id: round from it and measure against it.',
    )
    .option('--all', 'Time all candidates, also those that the goal cannot pick; for the plot.')
    .option('--candidates <ids>', 'Only these formats, separated by commas, as the table names them.', nameList)
    .option(
      '--text <file>',
      'Measure what it costs on this text of yours instead of the built-in one (UTF-8; 200 to 2,500 tokens).',
    )
    .option('--plot <file>', 'Write a plot of speed against divergence (SVG).')
    .option(
      '--prune <layers>',
      'Experiment: also measure a candidate without these layers (1,5,9); it is never picked.',
      layerList,
    )
    .option('--again', 'Measure everything anew; otherwise what is known of this machine counts, for other goals too.')
    .option('--undo', 'Go back to the published file and delete the optimised one.')
    .option('--json', 'Print each event, and the result, as a line of JSON.')
    .addHelpText('after', goals)
    .action(async (name: string) => {
      await withStore(
        context.application,
        { ...configOf(command), published: true },
        async (store) => {
          const model = await store.resolve(name);
          const flags = command.opts<Flags>();
          if (flags.undo === true) await undo(store, model, command, context);
          else await runOptimize(store, model, flags, configOf(command), context);
        },
        { quietly: true },
      );
    });
  addSettings(command, ['general']);
}

async function undo(
  store: Store,
  model: InstalledModel,
  command: Command,
  { terminal }: CommandContext,
): Promise<void> {
  const { id } = model.entry;
  const files = store.tunedFiles;
  const lock = await files.claim(tunedName(model), { signal: new AbortController().signal, clock: systemClock });
  let freedBytes: number;
  try {
    freedBytes = await files.remove(tunedName(model));
  } finally {
    await lock.release();
  }
  if (command.opts<Flags>().json) terminal.out(`${JSON.stringify({ model: id, freedBytes })}\n`);
  else if (freedBytes === 0) terminal.out(`${id} was not optimised.\n`);
  else terminal.out(`${id} runs from the published file again; ${formatBytes(freedBytes)} are free again.\n`);
}

function nameList(text: string): string[] {
  return text.split(',').map((name) => name.trim());
}

function layerList(text: string): number[] {
  const layers = text.split(',').map((word) => Number(word.trim()));
  if (layers.length === 0 || !layers.every((layer) => Number.isInteger(layer) && layer >= 0)) {
    throw makeError('config_invalid', { reason: '--prune takes layer numbers separated by commas, such as 4,9' });
  }
  return layers;
}
