import { Option, type Command } from 'commander';
import { compareSamples, pairTargets, type Comparison } from '../../bench/compare/compare.ts';
import { readSamples } from '../../bench/compare/import-results.ts';
import { formatTable } from '../format.ts';
import { UsageError } from '../report-error.ts';
import type { CommandContext } from '../run-command.ts';

/** Apart from 1, which every error ends with: a pipeline can tell a slowdown from a missing file. */
const worseExitCode = 3;

type CompareFlags = { alpha: number; threshold: number; firstTarget?: string; secondTarget?: string; json?: true };

export function addCompareCommand(bench: Command, context: CommandContext): void {
  const { terminal } = context;
  bench
    .command('compare')
    .description(
      'Hold a second result against a first: latencies, answers given, answers right. Ends with 3 when something became worse by more than chance, for CI.',
    )
    .argument('<first>', 'requests.jsonl, or the JSON of `vllm bench serve` or GuideLLM.')
    .argument('<second>', 'The same.')
    .addOption(new Option('--alpha <p>', 'Highest probability of chance.').default(0.05).argParser(Number))
    .addOption(
      new Option('--threshold <percent>', 'Least change of a latency that matters.').default(5).argParser(Number),
    )
    .option('--first-target <name>', 'Only this target of the first result.')
    .option('--second-target <name>', 'Only this target of the second, whatever it is called.')
    .option('--json', 'Print JSON.')
    .action(async (firstPath: string, secondPath: string, flags: CompareFlags) => {
      const [first, second] = await Promise.all([readSamples(firstPath), readSamples(secondPath)]);
      for (const [path, set] of [[firstPath, first] as const, [secondPath, second] as const]) {
        if (!set.complete) terminal.note(`warning: ${path} is incomplete\n`);
      }
      const options = { ...flags, threshold: flags.threshold / 100 };
      for (const pair of pairTargets(first, second, options)) {
        const [before, after] = [pair.first.models, pair.second.models].map((models) => models.join(' + '));
        if (before === after || before === '' || after === '') continue;
        terminal.note(`warning: ${pair.target}: DIFFERENT MODELS: ${before} against ${after}\n`);
      }
      const found = compareSamples(first, second, options);
      if (found.length === 0) throw new UsageError('the two results share nothing with three samples or more');
      terminal.out(flags.json ? `${JSON.stringify(found, null, 2)}\n` : formatTable([head, ...found.map(row)]));
      context.exitCode = found.some(({ verdict }) => verdict === 'worse') ? worseExitCode : 0;
    });
}

const head = ['target', 'what', 'figure', 'first', 'second', 'change', 'p', 'n', 'verdict'];
const names: Record<Comparison['figure'], string> = {
  ttftMs: 'TTFT ms',
  tpotMs: 'TPOT ms',
  itlMs: 'ITL ms',
  stallMs: 'ITL p95 ms',
  e2elMs: 'E2EL ms',
  answered: 'answered',
  correct: 'correct',
};

function row({ target, group, figure, values, change, p, counts, verdict }: Comparison): string[] {
  const isShare = figure === 'answered' || figure === 'correct';
  const shown = values.map((value) => (isShare ? `${(value * 100).toFixed(1)} %` : value.toFixed(1)));
  return [
    target,
    group === '' ? 'all requests' : group,
    names[figure],
    ...shown,
    `${change > 0 ? '+' : ''}${(change * 100).toFixed(1)} ${isShare ? 'points' : '%'}`,
    p.toFixed(4),
    counts.join('/'),
    verdict === 'worse' ? 'WORSE' : verdict,
  ];
}
