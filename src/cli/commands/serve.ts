import type { Command } from 'commander';
import { systemClock } from '../../core/clock.ts';
import type { Config } from '../../config/load-config.ts';
import { addSettings, configOf } from '../command-options.ts';
import type { BroughtUp } from '../device/bring-up.ts';
import { formatBytes } from '../format.ts';
import { exitCodeOf, rejectionOf, watchInterrupts } from '../interrupts.ts';
import { TunedFiles } from '../../models/tuned-files.ts';
import { offerLine, optimizeMinutes, optimizeOffer } from '../optimize/offer.ts';
import { openEntry, type OpenEntry } from '../open-entry.ts';
import { PullProgress } from '../pull-progress.ts';
import type { CommandContext } from '../run-command.ts';
import { serveGateway } from './serve-gateway.ts';

export function addServeCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('serve')
    .description('Run the server. It listens at once and answers when its model is here; /health says when.')
    .action(async () => {
      const config = configOf(command);
      await (config.role === 'cloud' ? serveGateway(config, context) : serve(config, context));
    });
  addSettings(command, ['server', 'keys', 'engine', 'cloud', 'store', 'general']);
}

async function serve(config: Config, context: CommandContext): Promise<void> {
  const { application, terminal } = context;
  const telemetry = application.openTelemetry(config);
  const progress = new PullProgress(terminal, systemClock);
  const opened: { entry?: OpenEntry } = {};
  const interrupts = watchInterrupts(() => endAtOnce(opened.entry));
  const say = (text: string): void => {
    progress.clear();
    terminal.out(`${text}\n`);
  };
  const entry = await openEntry(application, {
    config,
    telemetry,
    onDefaultChosen: say,
    hooks: {
      onPull: (event) => progress.show(event),
      onModel: ({ entry: model }, { engine, neededBytes }) => {
        progress.clear();
        say(`Model: ${model.id} (${model.displayName}, ${model.licence})`);
        say(`Loading: context ${engine.contextTokens} tokens, about ${formatBytes(neededBytes)} of memory …`);
      },
    },
  });
  opened.entry = entry;
  try {
    say(`Duanyun ${application.version} listens on ${entry.server.url}`);
    const broughtUp = await Promise.race([entry.ready, rejectionOf(interrupts.signal)]);
    say(readyText(entry.server.url, broughtUp, config));
    // The formats are made for the processor.
    const isOffered = !config.published && config.gpuLayers === 0;
    const offer = !isOffered ? undefined : await optimizeOffer(new TunedFiles(config.home), broughtUp.model);
    if (offer !== undefined) say(offerLine(offer, optimizeMinutes(broughtUp.model, broughtUp.plan.engine.threads)));
    await rejectionOf(interrupts.signal);
  } catch (error) {
    progress.clear();
    if (!interrupts.signal.aborted) throw error;
  } finally {
    const isStopping = interrupts.first !== undefined;
    if (isStopping) say('Stopping; running answers may end first. Ctrl-C again ends at once.');
    if (isStopping) await entry.close(config.shutdownSeconds * 1000, config.drainSeconds * 1000);
    else await entry.close(0);
    interrupts.dispose();
  }
  context.exitCode = interrupts.first === undefined ? 0 : exitCodeOf(interrupts.first);
}

function readyText(url: string, { plan, engine }: BroughtUp, config: Config): string {
  const { threads, maxRunning } = plan.engine;
  const seconds = ((engine.info?.loadMs ?? 0) / 1000).toFixed(1);
  const key = config.apiKeys.length === 0 ? '' : " -H 'authorization: Bearer KEY'";
  return [
    `Ready: loaded in ${seconds} s, ${threads} threads, up to ${maxRunning} answers at once.`,
    'Try it:',
    `  curl -N ${url}/v1/chat/completions${key} -H 'content-type: application/json' \\`,
    `    -d '{"model":"auto","stream":true,"messages":[{"role":"user","content":"你是谁?"}]}'`,
  ].join('\n');
}

/** The engine process would notice by itself that its parent is gone; this makes it sure and immediate. */
function endAtOnce(entry: OpenEntry | undefined): never {
  const pid = entry?.enginePid();
  if (pid !== undefined) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  }
  process.exit(130);
}
