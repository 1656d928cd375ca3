import { Option, type Command } from 'commander';
import { compareSamples, type Comparison } from '../../bench/compare/compare.ts';
import { readSamples } from '../../bench/compare/import-results.ts';
import { formatTable } from '../format.ts';
import { UsageError } from '../report-error.ts';
import type { CommandContext } from '../run-command.ts';

/** Apart from 1, which every error ends with: a pipeline can tell a slowdown from a missing file. */
const slowerExitCode = 3;

export function addCompareCommand(bench: Command, context: CommandContext): void {
  const { terminal } = context;
  bench
    .command('compare')
    .description('Hold a second result against a first. Ends with 3 when something became slower, for CI.')
    .argument('<first>', 'requests.jsonl, or the JSON of `vllm bench serve` or GuideLLM.')
    .argument('<second>', 'The same.')
    .addOption(new Option('--alpha <p>', 'Highest probability of chance.').default(0.05).argParser(Number))
    .addOption(new Option('--threshold <percent>', 'Least change that matters.').default(5).argParser(Number))
    .option('--json', 'Print JSON.')
    .action(async (firstPath: string, secondPath: string, flags: { alpha: number; threshold: number; json?: true }) => {
      const [first, second] = await Promise.all([readSamples(firstPath), readSamples(secondPath)]);
      for (const [path, set] of [[firstPath, first] as const, [secondPath, second] as const]) {
        if (!set.complete) terminal.note(`warning: ${path} is incomplete\n`);
      }
      const found = compareSamples(first, second, { alpha: flags.alpha, threshold: flags.threshold / 100 });
      if (found.length === 0) throw new UsageError('the two results share nothing with three samples or more');
      terminal.out(flags.json ? `${JSON.stringify(found, null, 2)}\n` : formatTable([head, ...found.map(row)]));
      context.exitCode = found.some(({ verdict }) => verdict === 'slower') ? slowerExitCode : 0;
    });
}

const head = ['what', 'figure', 'first', 'second', 'change', 'p', 'n', 'verdict'];

function row({ group, figure, medians, change, p, counts, verdict }: Comparison): string[] {
  return [
    group,
    figure.replace('Ms', ' ms'),
    medians[0].toFixed(1),
    medians[1].toFixed(1),
    `${change > 0 ? '+' : ''}${(change * 100).toFixed(1)} %`,
    p.toFixed(4),
    counts.join('/'),
    verdict === 'slower' ? 'SLOWER' : verdict,
  ];
}
