/** Predicted latency, quality and cost of a request on each side, and the one objective over them. */
import type { Policy } from './policy.ts';
import type { CloudModelState, DeviceState, Prediction, RouteSignals } from './types.ts';

/** Assumed until something was observed. */
const usualLoadingMs = 30_000;

export function predictDevice(signals: RouteSignals, policy: Policy, device: DeviceState): Prediction {
  const complexity = unit(signals.complexity, 1);
  // Others on the processor slow every token down; at full load they take about half.
  const speed = 1 / (1 + unit(device.load, 1));
  const prefillMs = (signals.promptTokens / positive(device.prefillTokensPerSecond * speed)) * 1000;
  const decodeMs = (signals.answerTokens / positive(device.decodeTokensPerSecond * speed)) * 1000;
  const waitMs = device.queued * decodeMs + (device.status === 'loading' ? (device.loadingMs ?? usualLoadingMs) : 0);
  return {
    latencyMs: waitMs + prefillMs + decodeMs,
    quality: policy.tasks[signals.task]?.quality?.device ?? 1 - complexity,
    cost: 0,
  };
}

export function predictCloud(signals: RouteSignals, policy: Policy, model: CloudModelState): Prediction {
  const complexity = unit(signals.complexity, 1);
  const price = policy.prices.models[model.id] ?? policy.prices.cloud;
  const { promptTokens, answerTokens } = signals;
  return {
    latencyMs: model.firstTokenMs + (answerTokens / positive(model.tokensPerSecond)) * 1000,
    quality: policy.tasks[signals.task]?.quality?.cloud ?? 1 - complexity * (1 - policy.objective.cloud_gain),
    cost: (promptTokens * price.input_per_million + answerTokens * price.output_per_million) / 1_000_000,
  };
}

/** 0 at rest; 1 where battery, heat and load all speak against more work. Soft: it never forbids. */
export function deviceStrain(policy: Policy, device: DeviceState): number {
  const heat = { nominal: 0, fair: 0.1, serious: 0.6, critical: 1 }[device.thermal];
  const battery = device.battery !== undefined && device.battery < policy.thresholds.battery_low ? 1 : 0;
  const busy = unit(device.load, 1) > 0.9 ? 0.5 : 0;
  return Math.max(heat, battery, busy);
}

/**
 * quality·w_q − latency·w_l − cost·w_c − strain·w_s + margin, where latency and cost are x / (x + reference), so that
 * each lies between 0 and 1 and the reference counts as one half. `margin` goes to the preferred side.
 */
export function score(predicted: Prediction, policy: Policy, strain: number, isPreferred: boolean): number {
  const { objective, thresholds } = policy;
  return (
    objective.quality * predicted.quality -
    objective.latency * saturating(predicted.latencyMs, objective.latency_reference_ms) -
    objective.cost * saturating(predicted.cost, objective.cost_reference) -
    objective.strain * strain +
    (isPreferred ? thresholds.preference_margin : 0)
  );
}

function saturating(value: number, reference: number): number {
  return Number.isFinite(value) ? value / (value + reference) : 1;
}

function positive(value: number): number {
  return value > 0 ? value : 0.001;
}

function unit(value: number, otherwise: number): number {
  return Number.isFinite(value) ? Math.min(1, Math.max(0, value)) : otherwise;
}
