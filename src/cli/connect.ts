/** How a command that asks questions finds its server. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config/load-config.ts';
import { systemClock } from '../core/clock.ts';
import { DuanyunError } from '../core/errors.ts';
import type { ServerOptions } from '../server/options.ts';
import { ChatClient } from './chat/chat-client.ts';
import { openEntry } from './open-entry.ts';
import { PullProgress } from './pull-progress.ts';
import type { CommandContext } from './run-command.ts';
import type { Terminal } from './terminal.ts';

const healthPollMs = 500;

export type Connection = { client: ChatClient; model: string; close(): Promise<void> };
export type ConnectFlags = { url?: string; model?: string };
/** Limits of a server of one's own, instead of the settings'. */
export type OwnServer = Pick<Partial<ServerOptions>, 'maxBodyBytes' | 'bodyTimeoutMs'>;

/** The server at `--url`, or the one on the usual port, or one of its own that nobody else can call. */
export async function connect(
  flags: ConnectFlags,
  config: Config,
  context: CommandContext,
  signal: AbortSignal,
  own: OwnServer = {},
): Promise<Connection> {
  const client = new ChatClient(flags.url ?? `http://127.0.0.1:${config.port}`, config.apiKeys[0]);
  try {
    await client.probe(signal);
  } catch (error) {
    const isAbsent = error instanceof DuanyunError && error.code === 'server_unreachable';
    if (flags.url !== undefined || !isAbsent) throw error;
    return startOwn(config, context, signal, own);
  }
  await waitUntilReady(client, context.terminal, signal);
  // A server chose its model when it started; a name given here asks for that very model.
  return { client, model: flags.model ?? 'auto', close: async () => {} };
}

async function waitUntilReady(client: ChatClient, terminal: Terminal, signal: AbortSignal): Promise<void> {
  let shown = '';
  for (;;) {
    const state = await client.state(signal);
    if (state.state === 'ready') return;
    const reason = state.reason.replace(/:.*/, '');
    if (reason !== shown) terminal.note(`waiting for the server: ${reason}\n`);
    shown = reason;
    await sleep(healthPollMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

async function startOwn(
  config: Config,
  { application, terminal }: CommandContext,
  signal: AbortSignal,
  own: OwnServer,
): Promise<Connection> {
  // The log would run into the conversation; what matters is shown as an error of the command.
  const telemetry = application.openTelemetry({
    ...config,
    logLevel: config.logLevel === 'info' ? 'silent' : config.logLevel,
  });
  const progress = new PullProgress(terminal, systemClock);
  const apiKey = randomBytes(24).toString('base64url');
  const entry = await openEntry(application, {
    config,
    telemetry,
    server: { host: '127.0.0.1', port: 0, apiKeys: [apiKey], ...own },
    onDefaultChosen: (reason) => terminal.note(`${reason}\n`),
    hooks: {
      onPull: (event) => progress.show(event),
      onModel: ({ entry: model }) => {
        progress.clear();
        terminal.note(`loading ${model.id} …\n`);
      },
    },
  });
  const onAbort = (): void => void entry.close(0);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await entry.ready;
  } catch (error) {
    progress.clear();
    await entry.close(0);
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
  return { client: new ChatClient(entry.server.url, apiKey), model: 'auto', close: () => entry.close(0) };
}
