/** Where a request runs. Pure: the same signals, policy and state give the same decision, on a server and in a page. */
import type { Modality } from '../core/backend.ts';
import type { RoutePreference } from '../core/chat.ts';
import { makeError, type DuanyunError } from '../core/errors.ts';
import { deviceStrain, predictCloud, predictDevice, score } from './predict.ts';
import { rulePrivacy, type PrivacyRuling } from './privacy-rule.ts';
import type { Policy } from './policy.ts';
import {
  transientViolations,
  type Prediction,
  type RouteCandidate,
  type RouteDecision,
  type RouteRefusal,
  type RouteSignals,
  type RouteState,
  type RouteTarget,
  type TargetModel,
  type Violation,
} from './types.ts';

type Limits = {
  preference: RoutePreference;
  /** All that apply: a request can add its `only_…` to the policy's, and never take one away. */
  only: ReadonlySet<RouteTarget>;
  maxCost: number;
  deadlineMs: number;
};

/**
 * Hard constraints first; of what is left the best score wins, and the rest are fallbacks. A private request's target
 * and fallbacks are the device and nothing else.
 */
export function decide(signals: RouteSignals, policy: Policy, state: RouteState): RouteDecision | RouteRefusal {
  const ruling = rulePrivacy(signals.privacy, policy);
  const limits = limitsOf(signals, policy);
  const candidates = [
    deviceCandidate(signals, policy, state, limits, ruling),
    ...cloudCandidates(signals, policy, state, limits, ruling),
  ];
  const parts = {
    reasons: [...ruling.reasons],
    candidates,
    policyVersion: policy.id,
    preference: limits.preference,
    privacy: ruling.handling,
  };
  const ranked = candidates.filter(({ feasible }) => feasible).toSorted((left, right) => right.score - left.score);
  const [best, ...others] = ranked;
  if (best === undefined) return refuse(parts);
  return {
    kind: 'route',
    ...parts,
    reasons: [...parts.reasons, ...reasonsFor(best, candidates, limits)],
    ...choiceOf(best),
    fallbacks: others.map(choiceOf),
  };
}

/** The refusal as the error a client gets. */
export function refusalError(refusal: RouteRefusal): DuanyunError {
  return makeError(refusal.code, { reason: refusal.message });
}

function limitsOf(signals: RouteSignals, policy: Policy): Limits {
  const { wishes } = signals;
  const task = policy.tasks[signals.task];
  const stated = [policy.preference, task?.preference, wishes.preference].filter((word) => word !== undefined);
  const only = new Set<RouteTarget>(signals.forced === undefined ? [] : [signals.forced]);
  for (const word of stated) {
    if (word === 'only_on_device') only.add('device');
    if (word === 'only_in_cloud') only.add('cloud');
  }
  const least = (...values: (number | undefined)[]): number =>
    Math.min(...values.map((value) => value ?? Number.POSITIVE_INFINITY));
  return {
    preference: stated.at(-1) ?? policy.preference,
    only,
    maxCost: least(policy.budgets.max_cost_per_request, task?.max_cost, wishes.maxCost),
    deadlineMs: least(policy.budgets.deadline_ms, task?.deadline_ms, wishes.deadlineMs),
  };
}

function deviceCandidate(
  signals: RouteSignals,
  policy: Policy,
  { device, cloud }: RouteState,
  limits: Limits,
  ruling: PrivacyRuling,
): RouteCandidate {
  const violated: Violation[] = [];
  if (limits.only.has('cloud')) violated.push('only-in-cloud');
  if (device.status === 'unavailable') violated.push('unavailable');
  // While it is being chosen or fetched its limits are unknown; a request that waits for it is checked by the engine.
  if (device.model !== undefined) violated.push(...fit(signals, device.model));
  const mayLeave = ruling.handling !== 'device' && cloud.configured && cloud.reachable;
  const capacity = Math.min(device.queueCapacity, (mayLeave ? policy.thresholds.device_queue : undefined) ?? Infinity);
  if (device.queued > 0 && device.queued >= capacity) violated.push('queue-full');
  const predicted = predictDevice(signals, policy, device);
  if (predicted.latencyMs > limits.deadlineMs) violated.push('deadline');
  const strain = deviceStrain(policy, device);
  // A preference is for a device that is there: while it loads, it has to win without.
  const isReady = device.status === 'ready';
  return candidate('device', device.model?.id, violated, predicted, policy, strain, limits, isReady);
}

function cloudCandidates(
  signals: RouteSignals,
  policy: Policy,
  { cloud, spentToday }: RouteState,
  limits: Limits,
  ruling: PrivacyRuling,
): RouteCandidate[] {
  const shared: Violation[] = [];
  if (ruling.handling === 'device') shared.push('private');
  if (limits.only.has('device')) shared.push('only-on-device');
  if (!cloud.configured || cloud.models.length === 0) {
    const none = { latencyMs: Number.POSITIVE_INFINITY, quality: 0, cost: 0 };
    return [candidate('cloud', undefined, [...shared, 'not-configured'], none, policy, 0, limits)];
  }
  if (!cloud.reachable) shared.push('offline');
  return cloud.models.map((model) => {
    const violated = [...shared, ...fit(signals, model)];
    if (model.breaker === 'open') violated.push('breaker-open');
    const predicted = predictCloud(signals, policy, model);
    if (!(predicted.cost <= limits.maxCost)) violated.push('budget');
    const left = (policy.budgets.max_cost_per_day ?? Number.POSITIVE_INFINITY) - spentToday;
    if (!(predicted.cost <= left)) violated.push('daily-budget');
    if (!(predicted.latencyMs <= limits.deadlineMs)) violated.push('deadline');
    return candidate('cloud', model.id, violated, predicted, policy, 0, limits);
  });
}

function fit(signals: RouteSignals, model: TargetModel): Violation[] {
  const violated: Violation[] = [];
  const canTake = (modality: Modality): boolean =>
    model.modalities.includes(modality) || signals.readable?.includes(modality) === true;
  if (!signals.modalities.every(canTake)) violated.push('modality');
  if (signals.needs.tools && !model.tools) violated.push('tools');
  if (signals.needs.embeddings && !model.embeddings) violated.push('embeddings');
  // At least one token of an answer must fit; how many there will be is only a guess.
  if (!signals.needs.embeddings && signals.promptTokens >= model.contextTokens) violated.push('context-length');
  return violated;
}

function candidate(
  target: RouteTarget,
  model: string | undefined,
  violated: Violation[],
  predicted: Prediction,
  policy: Policy,
  strain: number,
  limits: Limits,
  canBePreferred = true,
): RouteCandidate {
  const isPreferred = canBePreferred && (target === 'device') === limits.preference.endsWith('on_device');
  return {
    target,
    ...(model === undefined ? {} : { model }),
    feasible: violated.length === 0,
    violated,
    predicted,
    score: score(predicted, policy, strain, isPreferred),
  };
}

function choiceOf({ target, model }: RouteCandidate): { target: RouteTarget; model?: string } {
  return model === undefined ? { target } : { target, model };
}

/** What spoke for the winner: what excludes the other side, or the objective. */
function reasonsFor(best: RouteCandidate, candidates: RouteCandidate[], limits: Limits): string[] {
  const others = candidates.filter((other) => other.target !== best.target);
  const excluded = others.filter(({ feasible }) => !feasible);
  if (excluded.length === others.length) {
    return [...new Set(excluded.flatMap(({ target, violated }) => violated.map((word) => `${target}-${word}`)))];
  }
  const isPreferred = (best.target === 'device') === limits.preference.endsWith('on_device');
  return [isPreferred ? limits.preference : `${best.target}-scores-better`];
}

function refuse(parts: Omit<RouteRefusal, 'kind' | 'code' | 'message'>): RouteRefusal {
  const { candidates } = parts;
  const canPass = candidates.some(({ violated }) => violated.every((word) => transientViolations.has(word)));
  const words = candidates.map(
    ({ target, model, violated }) => `${model === undefined ? target : `${target} (${model})`}: ${violated.join(', ')}`,
  );
  return {
    kind: 'refusal',
    ...parts,
    reasons: [
      ...parts.reasons,
      ...new Set(candidates.flatMap(({ target, violated }) => violated.map((word) => `${target}-${word}`))),
    ],
    code: canPass ? 'no_route' : 'route_refused',
    message: words.join('; '),
  };
}
