import type { Command } from 'commander';
import { addSettings, configOf } from '../command-options.ts';
import { formatBytes, formatTable } from '../format.ts';
import { exitCodeOf, watchInterrupts } from '../interrupts.ts';
import { ModulesClient, type ShownModule } from '../modules-client.ts';
import type { CommandContext } from '../run-command.ts';

type Flags = { url?: string; json?: true };

export function addModulesCommand(program: Command, context: CommandContext): void {
  const modules = program
    .command('modules')
    .description('Parts of a running server that load on demand: language, vision, speech, OCR.');
  const list = modules
    .command('list', { isDefault: true })
    .description('State and memory of each module.')
    .action(async () => withServer(list, context, async (client, signal) => client.list(signal)));
  const all = [list];
  for (const action of ['load', 'unload'] as const) {
    const command = modules
      .command(action)
      .description(
        action === 'load' ? 'Load a module before its first use.' : 'Give its memory back when its running uses end.',
      )
      .argument('<module>', 'language, vision, speech or ocr')
      .action(async (name: string) =>
        withServer(command, context, async (client, signal) => [await client.change(name, action, signal)]),
      );
    all.push(command);
  }
  for (const command of all) {
    command.option('--url <url>', 'Address of the server (default: this machine, --port).');
    command.option('--json', 'Print JSON.');
    addSettings(command, ['general', 'server']);
  }
}

async function withServer(
  command: Command,
  context: CommandContext,
  ask: (client: ModulesClient, signal: AbortSignal) => Promise<ShownModule[]>,
): Promise<void> {
  const config = configOf(command);
  const { url, json } = command.opts<Flags>();
  const client = new ModulesClient(url ?? `http://127.0.0.1:${config.port}`, config.apiKeys[0]);
  const interrupts = watchInterrupts(() => process.exit(130));
  try {
    const shown = await ask(client, interrupts.signal);
    context.terminal.out(json ? `${JSON.stringify(shown, null, 2)}\n` : moduleTable(shown));
  } catch (error) {
    if (!interrupts.signal.aborted) throw error;
    context.exitCode = interrupts.first === undefined ? 1 : exitCodeOf(interrupts.first);
  } finally {
    interrupts.dispose();
  }
}

function moduleTable(modules: readonly ShownModule[]): string {
  const rows = modules.map((module) => [
    module.name,
    module.progress === undefined ? module.state : `${module.state} ${Math.round(module.progress * 100)} %`,
    module.model ?? '-',
    module.resident_bytes === 0 ? '-' : formatBytes(module.resident_bytes),
    module.required_bytes === undefined ? '-' : formatBytes(module.required_bytes),
    String(module.active_uses),
    String(module.loads),
    module.load_ms === undefined ? '-' : `${(module.load_ms / 1000).toFixed(1)} s`,
    module.reason ?? '',
  ]);
  return formatTable([['MODULE', 'STATE', 'MODEL', 'HOLDS', 'NEEDS', 'USES', 'LOADS', 'LOADED IN', ''], ...rows]);
}
