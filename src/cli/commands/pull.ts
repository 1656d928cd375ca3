import type { Command } from 'commander';
import { systemClock } from '../../core/clock.ts';
import type { Store } from '../application.ts';
import { addSettings, configOf } from '../command-options.ts';
import { watchInterrupts } from '../interrupts.ts';
import { PullProgress } from '../pull-progress.ts';
import { offerAfterPull } from '../optimize/offer.ts';
import type { CommandContext } from '../run-command.ts';
import { withStore } from '../with-store.ts';

type Flags = { optimize?: boolean; json?: true };

export function addPullCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('pull')
    .description('Fetch a model. What was begun before is resumed.')
    .argument('[model]', 'id, alias or `default`', 'default')
    .option('--optimize', 'Afterwards optimise it for this machine without asking (`duanyun optimize`).')
    .option('--no-optimize', 'Do not ask whether to optimise it.')
    .option('--json', 'Print each event as a line of JSON.')
    .action(async (model: string) => pull(model, command, context));
  addSettings(command, ['general', 'store']);
}

async function pull(model: string, command: Command, context: CommandContext): Promise<void> {
  const flags = command.opts<Flags>();
  const config = configOf(command);
  await withStore(
    context.application,
    { ...config, published: true },
    async (store) => {
      const pulled = await fetchModel(store, model, flags, context);
      if (flags.json && flags.optimize !== true) return;
      await offerAfterPull(store, pulled, flags, config, context);
    },
    { quietly: true },
  );
}

/** Returns the id of the model that the name stands for. */
async function fetchModel(store: Store, name: string, { json }: Flags, { terminal }: CommandContext): Promise<string> {
  const interrupts = watchInterrupts(() => process.exit(130));
  const progress = new PullProgress(terminal, systemClock);
  let pulled = name;
  try {
    for await (const event of store.pull(name, { signal: interrupts.signal })) {
      if (json) terminal.out(`${JSON.stringify(event)}\n`);
      else progress.show(event);
      if (event.type === 'pull-done') pulled = event.model;
    }
    if (!json) terminal.out(`${pulled} is here.\n`);
    return pulled;
  } finally {
    progress.clear();
    interrupts.dispose();
  }
}
