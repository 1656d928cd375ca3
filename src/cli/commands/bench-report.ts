import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { writeReport } from '../../bench/report/write-report.ts';
import { readResults } from '../../bench/results-file.ts';
import type { CommandContext } from '../run-command.ts';

export function addReportCommand(bench: Command, { terminal }: CommandContext): void {
  bench
    .command('report')
    .description('Write the report anew from requests.jsonl, also from one that was cut in half.')
    .argument('<file>', 'requests.jsonl of an earlier run.')
    .option('--out <folder>', 'Where the report goes. Default: beside the file.')
    .action(async (file: string, flags: { out?: string }) => {
      const results = await readResults(file);
      // An option that `bench` has as well is read as its, wherever it stands.
      const given = bench.getOptionValueSource('out') === 'cli' ? bench.opts<{ out: string }>().out : flags.out;
      const folder = given ?? path.dirname(file);
      await mkdir(folder, { recursive: true });
      await writeReport(folder, results, file);
      if (results.damagedLines > 0) terminal.note(`warning: ${results.damagedLines} lines could not be read\n`);
      terminal.out(`${path.join(folder, 'report.html')}\n`);
    });
}
