import path from 'node:path';
import type { Command } from 'commander';
import { adapterModelId, type Adapter } from '../../core/adapters.ts';
import { addSettings, configOf } from '../command-options.ts';
import type { Store } from '../application.ts';
import { removeAdapter } from '../finetune/remove-adapter.ts';
import { formatBytes, formatDuration, formatTable } from '../format.ts';
import { watchInterrupts } from '../interrupts.ts';
import type { CommandContext } from '../run-command.ts';
import { withStore } from '../with-store.ts';

type JsonOption = { json?: true };
type AddFlags = JsonOption & { name: string; for: string; replace?: true };

export function addAdaptersCommand(program: Command, context: CommandContext): void {
  const adapters = program
    .command('adapters')
    .description('Adapters (LoRA) on this machine: what `duanyun finetune` trained, and files of your own.');
  const list = adapters
    .command('list')
    .description('All adapters, and the model that each belongs to.')
    .option('--json', 'Print JSON.')
    .action(() =>
      withStore(context.application, configOf(list), async (store) => printList(store, list.opts(), context)),
    );
  const show = adapters
    .command('show')
    .description('Everything that is known of one adapter.')
    .argument('<name>')
    .option('--json', 'Print JSON.')
    .action((name: string) =>
      withStore(context.application, configOf(show), async (store) =>
        printOne(store, store.adapters.find(name), show.opts(), context),
      ),
    );
  const add = adapters
    .command('add')
    .description('Take in a LoRA file (GGUF) of your own; it is held against the model first.')
    .argument('<file>')
    .requiredOption('--name <name>', 'Its name in requests: edge:NAME.')
    .option('--for <model>', 'The model it was made for: id, alias or path.', 'default')
    .option('--replace', 'Take the place of an adapter of that name.')
    .option('--json', 'Print JSON.')
    .action((file: string) =>
      withStore(context.application, configOf(add), (store) => addFile(store, file, add.opts(), context)),
    );
  const exported = adapters
    .command('export')
    .description('Copy an adapter out as a GGUF file.')
    .argument('<name>')
    .argument('<file>')
    .option('--json', 'Print JSON.')
    .action((name: string, file: string) =>
      withStore(context.application, configOf(exported), async (store) => {
        const { sizeBytes } = await store.adapters.exportTo(name, path.resolve(file));
        if (exported.opts<JsonOption>().json) context.terminal.out(`${JSON.stringify({ name, file, sizeBytes })}\n`);
        else context.terminal.out(`${name} is in ${file} (${formatBytes(sizeBytes)}).\n`);
      }),
    );
  const remove = adapters
    .command('remove')
    .description('Delete an adapter, and what an unfinished training of that name left.')
    .argument('<name>')
    .option('--json', 'Print JSON.')
    .action((name: string) =>
      withStore(context.application, configOf(remove), async (store) => {
        const freedBytes = await removeAdapter(store.adapters, name, configOf(remove).home);
        if (remove.opts<JsonOption>().json) context.terminal.out(`${JSON.stringify({ name, freedBytes })}\n`);
        else context.terminal.out(`${name} is removed, ${formatBytes(freedBytes)} are free again.\n`);
      }),
    );
  for (const command of [list, show, add, exported, remove]) addSettings(command, ['general']);
}

async function addFile(store: Store, file: string, flags: AddFlags, { terminal }: CommandContext): Promise<void> {
  const interrupts = watchInterrupts(() => process.exit(130));
  try {
    const adapter = await store.adapters.add(
      {
        name: flags.name,
        file: path.resolve(file),
        model: await store.resolve(flags.for),
        origin: 'added',
        createdAt: new Date(),
        replace: flags.replace === true,
      },
      interrupts.signal,
    );
    if (flags.json) terminal.out(`${JSON.stringify(adapter)}\n`);
    else terminal.out(usage(adapter));
  } finally {
    interrupts.dispose();
  }
}

/** How to use an adapter from now on. */
export function usage({ name, model }: Adapter): string {
  const id = adapterModelId(name);
  return `${name} can be used with ${model} at once, also by a server that runs already: "model": "${id}".\n`;
}

function printList(store: Store, options: JsonOption, { terminal }: CommandContext): void {
  const adapters = store.adapters.list();
  if (options.json) {
    terminal.out(`${JSON.stringify(adapters, null, 2)}\n`);
    return;
  }
  if (adapters.length === 0) {
    terminal.out('No adapter is on this machine. Train one with: duanyun finetune --data chats.jsonl\n');
    return;
  }
  const rows = adapters.map((adapter) => [
    adapter.name,
    adapter.model,
    String(adapter.rank),
    formatBytes(adapter.sizeBytes),
    adapter.origin,
    adapter.training === undefined ? '-' : lossText(adapter.training),
    adapter.createdAt.slice(0, 10),
  ]);
  terminal.out(formatTable([['ADAPTER', 'MODEL', 'RANK', 'SIZE', 'ORIGIN', 'VALIDATION LOSS', 'SINCE'], ...rows]));
}

function printOne(store: Store, adapter: Adapter, options: JsonOption, { terminal }: CommandContext): void {
  if (options.json) {
    terminal.out(`${JSON.stringify(adapter, null, 2)}\n`);
    return;
  }
  const { training } = adapter;
  terminal.out(
    formatTable([
      ['adapter', adapter.name],
      ['in requests', adapterModelId(adapter.name)],
      ['model', adapter.model],
      ['made for', adapter.base],
      ['architecture', adapter.architecture],
      ['rank', String(adapter.rank)],
      ['size', formatBytes(adapter.sizeBytes)],
      ['sha256', adapter.sha256],
      ['origin', adapter.origin],
      ['since', adapter.createdAt],
      ...(training === undefined
        ? []
        : [
            ['examples', `${training.examples} to learn from, ${training.validationExamples} to check`],
            [
              'training',
              `${training.epochs} epochs, ${training.steps} steps, ${formatDuration(training.trainedSeconds)}`,
            ],
            ['validation loss', lossText(training)],
          ]),
      ['folder', store.adapters.folderOf(adapter.name)],
    ]),
  );
}

function lossText({ validationLossBefore, validationLossAfter }: NonNullable<Adapter['training']>): string {
  return `${validationLossBefore.toFixed(3)} → ${validationLossAfter.toFixed(3)}`;
}
