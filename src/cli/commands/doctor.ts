import type { Command } from 'commander';
import { addSettings, configOf } from '../command-options.ts';
import { runChecks, type Finding } from '../doctor/check.ts';
import {
  checkHome,
  checkMemory,
  checkNativeLibrary,
  checkNode,
  checkPort,
  checkProcessor,
} from '../doctor/machine-checks.ts';
import { checkModules } from '../doctor/module-checks.ts';
import { checkModels, checkSources } from '../doctor/source-checks.ts';
import { formatTable } from '../format.ts';
import type { CommandContext } from '../run-command.ts';

export function addDoctorCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('doctor')
    .description('Look at what Duanyun needs. Ends with 1 when something is broken.')
    .option('--json', 'Print JSON.')
    .action(async () => doctor(command, context));
  addSettings(command, ['general', 'server', 'store']);
}

async function doctor(command: Command, context: CommandContext): Promise<void> {
  const { application, terminal } = context;
  const config = configOf(command);
  const store = application.openStore(config, application.openTelemetry({ ...config, logLevel: 'silent' }).log);
  const http = application.openHttpProbe(config);
  try {
    const findings = await runChecks({
      node: checkNode,
      'native library': () => checkNativeLibrary(config.childEnvironment),
      processor: checkProcessor,
      memory: () => checkMemory(application.availableMemoryBytes()),
      home: () => checkHome(config),
      settings: async () => ({
        name: 'settings',
        status: 'ok',
        detail: config.configFile ?? 'no settings file, defaults are used',
      }),
      sources: () => checkSources(config, application.packageIndexes(config), http.probe),
      models: () => checkModels(store),
      modules: () => checkModules(config),
      port: () => checkPort(config),
    });
    const isBroken = findings.some(({ status }) => status === 'fail');
    if (command.opts<{ json?: true }>().json) terminal.out(`${JSON.stringify({ ok: !isBroken, findings }, null, 2)}\n`);
    else terminal.out(formatTable(findings.map(({ name, status, detail }) => [mark(status), name, detail])));
    context.exitCode = isBroken ? 1 : 0;
  } finally {
    await store.dispose();
    await http.dispose();
  }
}

function mark(status: Finding['status']): string {
  return { ok: 'ok', warn: 'warning', fail: 'BROKEN' }[status];
}
