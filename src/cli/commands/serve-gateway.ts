/** `duanyun serve --role cloud`. */
import type { Config } from '../../config/load-config.ts';
import { openGateway } from '../gateway/open-gateway.ts';
import { exitCodeOf, rejectionOf, watchInterrupts } from '../interrupts.ts';
import type { CommandContext } from '../run-command.ts';

export async function serveGateway(config: Config, context: CommandContext): Promise<void> {
  const { application, terminal } = context;
  const telemetry = application.openTelemetry(config);
  const interrupts = watchInterrupts(() => process.exit(130));
  const say = (text: string): void => terminal.out(`${text}\n`);
  const gateway = await openGateway(application, { config, telemetry });
  try {
    say(`Duanyun ${application.version} listens on ${gateway.server.url}`);
    say(`Gateway before ${config.cloudUrl.map((url) => new URL(url).host).join(', ')}`);
    await Promise.race([gateway.ready, rejectionOf(interrupts.signal)]);
    say('Ready: the upstream answers.');
    await rejectionOf(interrupts.signal);
  } catch (error) {
    if (!interrupts.signal.aborted) throw error;
  } finally {
    const isStopping = interrupts.first !== undefined;
    if (isStopping) say('Stopping; running answers may end first. Ctrl-C again ends at once.');
    if (isStopping) await gateway.close(config.shutdownSeconds * 1000, config.drainSeconds * 1000);
    else await gateway.close(0);
    interrupts.dispose();
  }
  context.exitCode = interrupts.first === undefined ? 0 : exitCodeOf(interrupts.first);
}
