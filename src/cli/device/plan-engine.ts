/** Decides how a model runs on this device: context, cache, threads. Pure. */
import type { ModelEntry } from '../../core/catalogue.ts';
import { makeError } from '../../core/errors.ts';
import type { InstalledModel } from '../../core/model-store.ts';
import type { Config } from '../../config/load-config.ts';
import type { EngineOptions } from '../../engine/host/messages.ts';
import type { DraftModelOptions } from '../../engine/scheduler/native-draft-runner.ts';
import { mostDraftTokens } from '../../engine/scheduler/speculation/model-source.ts';
import type { GgufHeader } from '../../models/gguf.ts';
import type { DraftModel } from './draft-model.ts';
import { estimateMemoryBytes } from '../../models/memory-estimate.ts';

export type PlanFacts = {
  model: InstalledModel;
  header: GgufHeader;
  config: Config;
  availableBytes: number;
  physicalCores: number;
  /** A smaller model that guesses for it. */
  draft?: DraftModel;
  /** Models to name when this one does not fit. */
  catalogue: readonly ModelEntry[];
};

export type EnginePlan = {
  engine: EngineOptions;
  /** Estimated memory in all, in bytes. */
  neededBytes: number;
  /** What was made smaller than usual, and why; for the log. */
  notes: string[];
};

const usualContextTokens = 8192;
const smallestContextTokens = 1024;
/** Left to the server's own process and to what else happens on the machine. */
const reserveBytes = 192 * 1024 * 1024;
const mebibyte = 1024 * 1024;
/** Cells of a draft model's cache: for each answer as many as one text may take there, up to this. */
const mostDraftCells = 4_096;

/** Throws `model_too_large` where even the smallest context does not fit, and `config_invalid` for sizes that clash. */
export function planEngine(facts: PlanFacts): EnginePlan {
  const { model, config } = facts;
  const notes: string[] = [];
  const limit = facts.availableBytes - reserveBytes;
  const threads = config.threads === 'auto' ? Math.min(8, facts.physicalCores) : config.threads;
  const maxRunning = config.parallel === 'auto' ? Math.min(16, Math.max(4, 4 * threads)) : config.parallel;
  const draftCells = Math.min(mostDraftCells, maxRunning * mostDraftTokens);
  const draftBytes = facts.draft === undefined ? 0 : draftMemoryBytes(facts.draft, draftCells);
  const size = candidateSizes(facts, notes).find(({ cells }) => neededBytes(facts, cells) + draftBytes <= limit);
  if (size === undefined) throw tooLarge(facts, draftBytes);
  const usual = config.context === 'auto' ? Math.min(trainedTokens(facts), usualContextTokens) : size.contextTokens;
  if (size.contextTokens < usual || (config.cells === 'auto' && size.cells < 2 * size.contextTokens)) {
    const free = Math.floor(facts.availableBytes / mebibyte);
    notes.push(`only ${free} MiB of memory are available: context ${size.contextTokens}, cache ${size.cells} tokens`);
  }
  return {
    engine: {
      entry: model.entry,
      weightsPath: model.weightsPath,
      contextTokens: size.contextTokens,
      cells: size.cells,
      maxRunning,
      maxQueued: config.queue,
      maxQueuedMs: config.queueSeconds * 1000,
      maxCachedSequences: maxRunning,
      threads,
      gpuLayers: config.gpuLayers,
      loadMode: config.loadMode,
      keyCacheType: config.cacheTypeK,
      valueCacheType: config.cacheTypeV,
      flashAttention: config.flashAttention,
      targetInterTokenMs: config.targetInterTokenMs,
      speculation: config.speculation,
      ...(facts.draft === undefined ? {} : { draft: draftOptions(facts.draft, draftCells) }),
      kvPolicy: config.kvPolicy,
      ...(config.kvBudget === 0 ? {} : { kvBudgetTokens: config.kvBudget }),
    },
    neededBytes: neededBytes(facts, size.cells) + draftBytes,
    notes,
  };
}

type Size = { contextTokens: number; cells: number };

/** From the wanted size down to the smallest that is still of use; what the user set is not made smaller. */
function candidateSizes(facts: PlanFacts, notes: string[]): Size[] {
  const { context, cells } = facts.config;
  const trained = trainedTokens(facts);
  if (context !== 'auto' && cells !== 'auto' && cells < context) {
    throw makeError('config_invalid', { reason: `cells (${cells}) must not be less than context (${context})` });
  }
  if (context !== 'auto' && context > trained) {
    notes.push(`the model was trained for ${trained} tokens: context ${trained} instead of ${context}`);
  }
  const contexts: number[] = [];
  if (context === 'auto') {
    const most = Math.min(trained, usualContextTokens, cells === 'auto' ? Number.POSITIVE_INFINITY : cells);
    for (let tokens = most; tokens >= Math.min(most, smallestContextTokens); tokens = Math.floor(tokens / 2)) {
      contexts.push(tokens);
    }
  } else {
    contexts.push(Math.min(context, trained));
  }
  return contexts.flatMap((contextTokens) =>
    (cells === 'auto' ? [2 * contextTokens, contextTokens] : [cells]).map((each) => ({ contextTokens, cells: each })),
  );
}

function trainedTokens({ header, model }: PlanFacts): number {
  return header.contextLength ?? model.entry.contextTokens;
}

function neededBytes({ header, config }: PlanFacts, contextTokens: number): number {
  const cacheTypes = { keys: config.cacheTypeK, values: config.cacheTypeV };
  return estimateMemoryBytes(header, { contextTokens, cacheTypes }).totalBytes;
}

function draftOptions({ model }: DraftModel, cells: number): DraftModelOptions {
  return { id: model.entry.id, weightsPath: model.weightsPath, cells };
}

function draftMemoryBytes({ header }: DraftModel, contextTokens: number): number {
  return estimateMemoryBytes(header, { contextTokens }).totalBytes;
}

function tooLarge(facts: PlanFacts, draftBytes: number): Error {
  const { model, config, availableBytes, catalogue } = facts;
  const tokens = config.context === 'auto' ? smallestContextTokens : config.context;
  const smaller = catalogue
    .filter(
      (entry) =>
        entry.kind === undefined &&
        entry.memoryBytes + reserveBytes <= availableBytes &&
        entry.memoryBytes < model.entry.memoryBytes,
    )
    .toSorted(
      (left, right) => Number(right.verified) - Number(left.verified) || right.memoryBytes - left.memoryBytes,
    )[0];
  const advice = [
    ...(config.context === 'auto' ? [] : ['Use a smaller --context.']),
    ...(draftBytes === 0 ? [] : [`Leave out --speculation draft (${Math.ceil(draftBytes / mebibyte)} MiB).`]),
    smaller === undefined ? 'Free some memory.' : `Free some memory, or use a smaller model: --model ${smaller.id}.`,
  ];
  return makeError('model_too_large', {
    model: model.entry.id,
    neededMiB: Math.ceil((neededBytes(facts, tokens) + draftBytes + reserveBytes) / mebibyte),
    availableMiB: Math.floor(availableBytes / mebibyte),
    advice: advice.join(' '),
  });
}
