import type { Command } from 'commander';
import { systemClock } from '../../core/clock.ts';
import { silentLog } from '../../core/log.ts';
import { Statistics } from '../../hybrid/statistics.ts';
import { addSettings, configOf } from '../command-options.ts';
import { stateFile } from '../hybrid/open-hybrid.ts';
import type { CommandContext } from '../run-command.ts';

export function addStatsCommand(program: Command, context: CommandContext): void {
  const stats = program.command('stats').description('Anonymous statistics.');
  const preview = stats
    .command('preview')
    .description('Print exactly what would be sent, and whether it would be. Sends nothing.')
    .action(() => {
      const config = configOf(preview);
      const file = stateFile(config, 'statistics.json');
      const statistics = new Statistics({ clock: systemClock, log: silentLog, file });
      const { terminal } = context;
      terminal.note(
        config.statsUrl === ''
          ? 'Sending is off; --stats-url switches it on. It would be sent when the day is over:\n'
          : `Sent to ${config.statsUrl} when the day is over:\n`,
      );
      for (const report of [...statistics.due(), statistics.preview()]) {
        terminal.out(`${JSON.stringify(report, null, 2)}\n`);
      }
    });
  addSettings(preview, ['cloud', 'general']);
}
