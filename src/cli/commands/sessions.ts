import type { Command } from 'commander';
import { SessionStore } from '../../engine/sessions/session-store.ts';
import { addSettings, configOf } from '../command-options.ts';
import { sessionOptions } from '../device/session-options.ts';
import { formatBytes, formatTable } from '../format.ts';
import type { CommandContext } from '../run-command.ts';

type JsonOption = { json?: true };

export function addSessionsCommand(program: Command, { terminal }: CommandContext): void {
  const sessions = program
    .command('sessions')
    .description('Conversations kept on this machine, encrypted, so that they go on after a restart.');
  const storeOf = (command: Command) => new SessionStore(sessionOptions(configOf(command)));
  const list = sessions
    .command('list')
    .description('All sessions, the latest used first.')
    .option('--json', 'Print JSON.')
    .action(async () => {
      const found = await storeOf(list).list();
      if (list.opts<JsonOption>().json) {
        const rows = found.map(({ about, sizeBytes, usedAt }) => ({
          ...(about === undefined
            ? { readable: false }
            : { readable: true, id: about.id, model: about.model, tokens: about.tokens, savedAt: about.savedAt }),
          sizeBytes,
          usedAt: usedAt.toISOString(),
        }));
        terminal.out(`${JSON.stringify(rows)}\n`);
        return;
      }
      if (found.length === 0) {
        terminal.out('No sessions are kept. A request with "duanyun": {"session": "NAME"} makes one.\n');
        return;
      }
      const rows = found.map(({ about, sizeBytes, usedAt }) => [
        about?.id ?? '(cannot be read)',
        about?.model ?? '',
        about === undefined ? '' : String(about.tokens),
        formatBytes(sizeBytes),
        usedAt.toISOString(),
      ]);
      terminal.out(formatTable([['SESSION', 'MODEL', 'TOKENS', 'SIZE', 'USED'], ...rows]));
    });
  const remove = sessions
    .command('remove')
    .description('Delete a session, or all of them.')
    .argument('[session]')
    .option('--all', 'All sessions, also those that cannot be read.')
    .option('--json', 'Print JSON.')
    .action(async (id: string | undefined) => {
      const { all, json } = remove.opts<JsonOption & { all?: true }>();
      if ((id === undefined) === (all === undefined)) remove.error('Name a session, or give --all.', { exitCode: 2 });
      const store = storeOf(remove);
      const freedBytes = id === undefined ? await store.removeAll() : await store.remove(id);
      if (freedBytes === undefined)
        remove.error(`There is no session ${id}. See: duanyun sessions list`, { exitCode: 1 });
      if (json) terminal.out(`${JSON.stringify({ ...(id === undefined ? {} : { id }), freedBytes })}\n`);
      else terminal.out(`${id ?? 'All sessions'}: removed, ${formatBytes(freedBytes ?? 0)} are free again.\n`);
    });
  for (const command of [list, remove]) addSettings(command, ['general']);
}
