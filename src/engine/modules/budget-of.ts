/** The cache budget of a request, if it has one that it could outgrow. */
import type { GenerationRequest } from '../../core/chat.ts';
import { makeError } from '../../core/errors.ts';
import { checkBudget, questionOf, type CacheBudget } from '../cache/cache-budget.ts';
import type { EngineOptions } from '../host/messages.ts';
import type { PictureSpan } from '../scheduler/types.ts';
import type { BuiltPrompt } from './prompt-builder.ts';

export type BudgetFacts = {
  maxTokens: number;
  engine: Pick<EngineOptions, 'entry' | 'kvPolicy' | 'kvBudgetTokens'>;
  canEvict: boolean;
  isControl: (token: number) => boolean;
};

/** Throws `kv_budget_too_small`, `unsupported_feature`. */
export function budgetOf(
  request: Pick<GenerationRequest, 'cache'>,
  prompt: Pick<BuiltPrompt, 'tokens' | 'outline'> & { spans: readonly PictureSpan[] },
  { maxTokens, engine, canEvict, isControl }: BudgetFacts,
): CacheBudget | undefined {
  const asked = request.cache?.budgetTokens;
  const serverPolicy = engine.kvPolicy ?? 'attention';
  const policy = request.cache?.policy ?? serverPolicy;
  const isOff = serverPolicy === 'none' || policy === 'none';
  if (asked === undefined && (engine.kvBudgetTokens === undefined || isOff || !canEvict)) return undefined;
  if (isOff || !canEvict) {
    const feature = canEvict
      ? 'kv_budget: this server is set to `--kv-policy none`'
      : 'kv_budget: its cache is recurrent';
    throw makeError('unsupported_feature', { model: engine.entry.id, feature, advice: 'Leave duanyun.kv_budget out.' });
  }
  const tokens = Math.min(asked ?? Infinity, engine.kvBudgetTokens ?? Infinity);
  if (prompt.tokens.length + maxTokens <= tokens) return undefined;
  const { headTokens, latestTurn } = prompt.outline();
  checkBudget(
    { tokens, headTokens },
    prompt.spans.reduce((sum, { count }) => sum + count, 0),
  );
  return {
    policy,
    tokens,
    headTokens,
    // A newest turn that fills most of the budget by itself must be able to lose tokens like all else.
    latestTurn: prompt.tokens.length - latestTurn <= tokens / 2 ? latestTurn : Infinity,
    question: questionOf(prompt.tokens, latestTurn),
    isTemplate: (index) => isControl(prompt.tokens[index] ?? -1),
  };
}
