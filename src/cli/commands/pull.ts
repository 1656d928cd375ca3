import type { Command } from 'commander';
import { systemClock } from '../../core/clock.ts';
import type { Store } from '../application.ts';
import { addSettings, configOf } from '../command-options.ts';
import { watchInterrupts } from '../interrupts.ts';
import { PullProgress } from '../pull-progress.ts';
import { offerAfterPull } from '../optimize/offer.ts';
import type { CommandContext } from '../run-command.ts';
import { withStore } from '../with-store.ts';

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
  const { application, terminal } = context;
  const flags = command.opts<{ optimize?: boolean; json?: true }>();
  const config = configOf(command);
  const asJson = flags.json === true;
  const telemetry = application.openTelemetry({
    ...config,
    logLevel: config.logLevel === 'info' ? 'warn' : config.logLevel,
  });
  const store = application.openStore(config, telemetry.log);
  const interrupts = watchInterrupts(() => process.exit(130));
  const progress = new PullProgress(terminal, systemClock);
  let pulled = model;
  try {
    for await (const event of store.pull(model, { signal: interrupts.signal })) {
      if (asJson) terminal.out(`${JSON.stringify(event)}\n`);
      else progress.show(event);
      if (event.type === 'pull-done') pulled = event.model;
    }
    if (!asJson) terminal.out(`${pulled} is here.\n`);
  } finally {
    progress.clear();
    interrupts.dispose();
    await store.dispose();
  }
  if (asJson && flags.optimize !== true) return;
  const offer = (published: Store) => offerAfterPull(published, pulled, flags, config, context);
  await withStore(application, { ...config, published: true }, offer, { quietly: true });
}
