/** The result of a search in words and as a table. */
import type { OptimizeGoal, Quality, Spread } from '../../engine/optimize/choose-recipe.ts';
import type { OptimizeResult } from '../../engine/optimize/optimizer.ts';
import { formatBytes, formatTable } from '../format.ts';

/** `1.42×`. */
export function ratio({ median }: Spread): string {
  return `${median.toFixed(2)}×`;
}

export function candidateTable({
  candidates,
  sourceBytes,
  sourcePerplexity,
  published,
  tuned,
}: OptimizeResult): string {
  const withRange = (spread: Spread | undefined) =>
    spread === undefined ? '-' : `${ratio(spread)} [${spread.least.toFixed(2)}–${spread.most.toFixed(2)}]`;
  const rows = candidates.map(({ recipe, sizeBytes, quality, measured }) => [
    `${recipe.id}${recipe.id === tuned?.recipe.id ? ' *' : ''}`,
    formatBytes(sizeBytes),
    withRange(measured?.speed.prefill),
    withRange(measured?.speed.decode),
    withRange(measured?.speed.eightStreams),
    `${quality.kl.toFixed(4)} ± ${quality.klError.toFixed(4)}`,
    `${(quality.sameTop * 100).toFixed(1)} %`,
    quality.perplexity.toFixed(2),
  ]);
  return formatTable([
    ['FORMAT', 'SIZE', 'PREFILL', 'DECODE', '8 STREAMS', 'KL', 'SAME TOKEN', 'PERPLEXITY'],
    ['published', formatBytes(sourceBytes), '1', '1', '1', ...publishedQuality(published, sourcePerplexity)],
    ...rows,
  ]);
}

/** Against itself, or against the better source that it was made from once. */
function publishedQuality(quality: Quality | undefined, sourcePerplexity: number): string[] {
  if (quality === undefined) return ['0', '100 %', sourcePerplexity.toFixed(2)];
  return [
    `${quality.kl.toFixed(4)} ± ${quality.klError.toFixed(4)}`,
    `${(quality.sameTop * 100).toFixed(1)} %`,
    quality.perplexity.toFixed(2),
  ];
}

export function outcomeText(
  model: string,
  goal: OptimizeGoal,
  { tuned, candidates, klLimit, published }: OptimizeResult,
): string {
  if (tuned === undefined) {
    const nearest = Math.min(...candidates.map(({ quality }) => quality.kl));
    const source = published === undefined ? 'published file' : 'source';
    return nearest > klLimit
      ? `No candidate is near enough to the ${source} for "${goal}" (KL at most ${Number(klLimit.toFixed(4))}). The published file stays in use.`
      : `No candidate is better than the published file on this machine for "${goal}". It stays in use.`;
  }
  const { measured } = tuned;
  return [
    `${model} now runs as ${tuned.recipe.id} on this machine: prefill ${ratio(measured.prefill)}, decode ${ratio(measured.decode)}, 8 streams ${ratio(measured.eightStreams)}.`,
    `It says the same next token in ${(measured.sameTop * 100).toFixed(1)} % of cases; KL ${measured.kl.toFixed(4)} nats, perplexity ${measured.sourcePerplexity.toFixed(2)} → ${measured.perplexity.toFixed(2)}.`,
    `A running server takes it at its next start. Back to the published file: duanyun optimize ${model} --undo`,
  ].join('\n');
}
