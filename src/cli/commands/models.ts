import type { Command } from 'commander';
import type { ModelEntry } from '../../core/catalogue.ts';
import type { InstalledModel } from '../../core/model-store.ts';
import { makeError } from '../../core/errors.ts';
import type { Store } from '../application.ts';
import { addSettings, configOf } from '../command-options.ts';
import { formatBytes, formatTable } from '../format.ts';
import type { CommandContext } from '../run-command.ts';
import { withStore } from '../with-store.ts';

type JsonOption = { json?: true };

export function addModelsCommand(program: Command, context: CommandContext): void {
  const models = program.command('models').description('Show and remove models.');
  const list = models
    .command('list')
    .description('All models of the catalogue, and which are on this machine.')
    .option('--installed', 'Only those on this machine.')
    .option('--json', 'Print JSON.')
    .action(async () =>
      withStore(context.application, configOf(list), (store) => printList(store, list.opts(), context)),
    );
  const show = models
    .command('show')
    .description('Everything that is known of one model.')
    .argument('<model>', 'id, alias or path to a .gguf file')
    .option('--json', 'Print JSON.')
    .action(async (name: string) =>
      withStore(context.application, configOf(show), (store) => printOne(store, name, show.opts(), context)),
    );
  const remove = models
    .command('remove')
    .description('Delete the files of a model, also of one that was fetched in part.')
    .argument('<model>', 'id or alias')
    .option('--json', 'Print JSON.')
    .action(async (name: string) =>
      withStore(context.application, configOf(remove), async (store) => {
        const freedBytes = await store.remove(name);
        const { terminal } = context;
        if (remove.opts<JsonOption>().json) terminal.out(`${JSON.stringify({ model: name, freedBytes })}\n`);
        else terminal.out(`${name} is removed, ${formatBytes(freedBytes)} are free again.\n`);
      }),
    );
  for (const command of [list, show, remove]) addSettings(command, ['general']);
}

async function printList(
  store: Store,
  options: JsonOption & { installed?: true },
  { terminal }: CommandContext,
): Promise<void> {
  const installed = new Map((await store.installed()).map((model) => [model.entry.id, model]));
  const entries = new Map(
    [...store.catalogue(), ...[...installed.values()].map(({ entry }) => entry)].map((entry) => [entry.id, entry]),
  );
  const shown = [...entries.values()].filter(({ id }) => options.installed !== true || installed.has(id));
  if (options.json) {
    const data = shown.map((entry) => describe(entry, installed.get(entry.id)));
    terminal.out(`${JSON.stringify(data, null, 2)}\n`);
    return;
  }
  if (shown.length === 0) {
    terminal.out('No model is on this machine. Fetch one with: duanyun pull\n');
    return;
  }
  const rows = shown.map((entry) => [
    entry.id,
    installed.has(entry.id) ? 'yes' : '-',
    formatBytes(sizeOf(entry, installed.get(entry.id))),
    formatBytes(entry.memoryBytes),
    String(entry.contextTokens),
    entry.modalities.join('+'),
    entry.verified ? 'yes' : 'no',
    entry.licence,
  ]);
  terminal.out(formatTable([['MODEL', 'HERE', 'FILES', 'MEMORY', 'CONTEXT', 'READS', 'TRIED', 'LICENCE'], ...rows]));
}

async function printOne(store: Store, name: string, options: JsonOption, { terminal }: CommandContext): Promise<void> {
  const installed = await store.resolve(name).catch(() => undefined);
  const wanted = name.toLowerCase();
  const entry =
    installed?.entry ?? store.catalogue().find(({ id, aliases }) => id === wanted || aliases.includes(wanted));
  if (entry === undefined) {
    const available = store.catalogue().map(({ id }) => id);
    throw makeError('model_not_found', { model: name.slice(0, 100), available: available.join(', ') });
  }
  if (options.json) {
    terminal.out(`${JSON.stringify(describe(entry, installed), null, 2)}\n`);
    return;
  }
  terminal.out(
    formatTable([
      ['model', entry.id],
      ['other names', entry.aliases.join(', ') || '-'],
      ['name', entry.displayName],
      ['about', entry.description],
      ['licence', entry.licence],
      ['parameters', `${(entry.parameters / 1e6).toFixed(0)} million`],
      ['context', `${entry.contextTokens} tokens`],
      ['reads', entry.modalities.join(', ')],
      ['tools', entry.tools ? 'yes' : 'no'],
      ['reasoning', entry.reasoning],
      ['languages', entry.languages.join(', ') || 'unknown'],
      ['memory', formatBytes(entry.memoryBytes)],
      ...(entry.draftModel === undefined ? [] : [['draft model', `${entry.draftModel}, with --speculation draft`]]),
      ...(entry.betterSource === undefined
        ? []
        : [['better source', `${entry.betterSource}, for duanyun optimize --source`]]),
      ['tried by us', entry.verified ? 'yes, these very files' : 'no, from public listings only'],
      ['on this machine', installed === undefined ? `no; duanyun pull ${entry.id}` : installed.weightsPath],
      ...(installed?.tuned === undefined
        ? []
        : [
            [
              'optimised',
              `${installed.tuned.recipe} for ${installed.tuned.goal}; published file: ${installed.tuned.sourcePath}`,
            ],
          ]),
      ...entry.files.map((file) => [
        file.role,
        `${file.name}, ${file.sizeBytes === undefined ? 'size unknown' : formatBytes(file.sizeBytes)}, sha256 ${file.sha256 ?? 'asked of the hub'}, from ${[...new Set(file.sources.map(({ kind }) => kind))].join(', ')}`,
      ]),
    ]),
  );
}

function describe(entry: ModelEntry, installed: InstalledModel | undefined): object {
  const path =
    installed === undefined
      ? {}
      : { weightsPath: installed.weightsPath, installedBytes: installed.sizeBytes, tuned: installed.tuned };
  return { ...entry, installed: installed !== undefined, ...path };
}

function sizeOf(entry: ModelEntry, installed: InstalledModel | undefined): number {
  return installed?.sizeBytes ?? entry.files.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0);
}
