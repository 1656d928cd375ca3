import type { Command } from 'commander';
import type { Explanation } from '../../hybrid/hybrid-service.ts';
import { addSettings, configOf } from '../command-options.ts';
import { formatTable } from '../format.ts';
import { explainText } from '../hybrid/explain-text.ts';
import type { CommandContext } from '../run-command.ts';

export function addExplainCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('explain')
    .description('Say where a text would run, and why. Runs nothing and sends nothing.')
    .argument('<text...>')
    .option('--json', 'Print JSON.')
    .action(async (words: string[]) => {
      const explanation = await explainText(configOf(command), words.join(' '));
      if (command.opts<{ json?: true }>().json) context.terminal.out(`${JSON.stringify(explanation, null, 2)}\n`);
      else context.terminal.out(shown(explanation));
    });
  addSettings(command, ['cloud', 'general']);
}

function shown({ signals, decision, detectors, decisionMs }: Explanation): string {
  const found = [
    ...signals.privacy.identifiers.map(({ type, confidence }) => `${type} (${confidence.toFixed(2)})`),
    ...signals.privacy.topics.map(({ topic, confidence }) => `${topic} (${confidence.toFixed(2)})`),
  ];
  const head = formatTable([
    ['target', decision.kind === 'route' ? decision.target : `none: ${decision.message}`],
    ['reasons', decision.reasons.join(', ') || '-'],
    ['privacy', decision.privacy],
    ['found', found.join(', ') || '-'],
    ['task', signals.task],
    ['complexity', signals.complexity.toFixed(2)],
    ['size', `about ${signals.promptTokens} tokens`],
    ['policy', `${decision.policyVersion}, ${decision.preference}`],
    [
      'detectors',
      Object.entries(detectors)
        .map(([name, version]) => `${name} ${version}`)
        .join(', ') || '-',
    ],
    ['took', `${decisionMs.toFixed(2)} ms`],
  ]);
  const rows = decision.candidates.map(({ target, model, feasible, violated, predicted, score }) => [
    model === undefined ? target : `${target} (${model})`,
    feasible ? 'yes' : violated.join(', '),
    Number.isFinite(predicted.latencyMs) ? `${(predicted.latencyMs / 1000).toFixed(1)} s` : '-',
    predicted.quality.toFixed(2),
    predicted.cost.toFixed(4),
    score.toFixed(3),
  ]);
  return `${head}\n${formatTable([['CANDIDATE', 'POSSIBLE', 'LATENCY', 'QUALITY', 'COST', 'SCORE'], ...rows])}`;
}
