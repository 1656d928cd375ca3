/** Searches the number formats that make a model fast on this device, at a price in quality that is measured and limited. */
import { createHash } from 'node:crypto';
import { rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock, type Clock } from '../../core/clock.ts';
import { makeError } from '../../core/errors.ts';
import { composeGguf } from '../../models/compose-gguf.ts';
import { readGgufHeader, type GgufHeader } from '../../models/gguf.ts';
import type { TensorType } from '../native/quantise.ts';
import type { MeasuredFormats } from '../../models/measured-formats.ts';
import type { TunedFiles, TunedModel } from '../../models/tuned-files.ts';
import { chooseCandidate, klLimits, type MeasuredCandidate, type OptimizeGoal, type Quality } from './choose-recipe.ts';
import { checkBetterSource, type BetterSource } from './better-source.ts';
import { OptimizeProcess } from './optimize-process.ts';
import { candidateRecipes, formatsOf, layerCount, prunedRecipe, type Recipe } from './recipe.ts';
import { asOptimizeError, requireRoom, workingBytes } from './room.ts';
import { evaluationText } from './texts/evaluation-text.ts';

export type OptimizeOptions = {
  model: string;
  /** The published file; only read. */
  sourcePath: string;
  /** As in `TunedModel`. */
  source: string;
  /** Round from this file, and measure against it. Speed is still compared with the published file. Default: the published file. */
  better?: BetterSource;
  goal: OptimizeGoal;
  threads: number;
  tunedFiles: TunedFiles;
  availableBytes: number;
  environment: Readonly<Record<string, string | undefined>>;
  signal: AbortSignal;
  onEvent: (event: OptimizeEvent) => void;
  /** Also times candidates that the goal cannot pick, for the plot. Default false. */
  measureAll?: boolean;
  /** Only these candidates, by id. Default: all. */
  only?: readonly string[];
  /** One more candidate without these layers; shown, never picked. */
  pruneLayers?: readonly number[];
  /** What quality is measured on; the first `mostTextTokens` tokens count. Default: a text in Chinese and English. */
  text?: string;
  /** Measures again what is known from an earlier run. Default false. */
  measureAgain?: boolean;
  clock?: Clock;
  childScript?: string;
  freeBytes?: (directory: string) => Promise<number>;
};

export type OptimizeStep = 'reference' | 'published' | 'quantise' | 'compose' | 'quality' | 'speed';
export type Candidate = { recipe: Recipe; sizeBytes: number; quality: Quality; measured?: MeasuredCandidate };
export type OptimizeEvent =
  | { type: 'optimize-start'; model: string; goal: OptimizeGoal; candidates: number }
  /** `share` 0–1 of this step. */
  | { type: 'step'; step: OptimizeStep; recipe?: string; number: number; of: number; share: number }
  /** `fits`: near enough to the source for the goal. */
  | { type: 'candidate'; candidate: Candidate; fits: boolean }
  /** How far the published file itself is from the better one. */
  | { type: 'published'; quality: Quality };

export type OptimizeResult = {
  sourceBytes: number;
  sourcePerplexity: number;
  candidates: Candidate[];
  /** The published file against the better source, where there is one. */
  published?: Quality;
  /** KL that was accepted at most. */
  klLimit: number;
  /** `undefined`: nothing was better than the published file, which stays in use. */
  tuned: TunedModel | undefined;
};

/** Raised when candidates are measured in another way, so that old figures stop counting. */
const measuringVersion = 1;
/** Rounding to 4 bits costs hundredths of a nat, to 2 bits tenths; two trainings of one architecture are further apart. */
const mostPublishedKl = 0.5;
const leastRounds = 3;
const mostRounds = 5;
/**
 * Throws `disk_full`, `model_too_large` and `source_mismatch` before anything is written, `model_file_invalid`, `optimize_failed`. The
 * source stays as it is whatever happens; a run that is killed leaves what was in use before.
 */
export async function optimize(options: OptimizeOptions): Promise<OptimizeResult> {
  const { model, sourcePath, better, goal, tunedFiles, onEvent } = options;
  const header = await readGgufHeader(sourcePath);
  const betterHeader = better === undefined ? undefined : await readGgufHeader(better.path);
  if (better !== undefined && betterHeader !== undefined) {
    checkBetterSource(betterHeader, header, { file: better.name, model });
  }
  const plans = planCandidates(chooseRecipes(header, options), header, betterHeader !== undefined);
  const clock = options.clock ?? systemClock;
  const lock = await tunedFiles.claim(model, { signal: options.signal, clock });
  const signal = AbortSignal.any([options.signal, lock.lost]);
  const process = new OptimizeProcess(options);
  try {
    const folder = await tunedFiles.newWorkFolder(model);
    await requireRoom(options, betterHeader ?? header, folder);
    const known = await tunedFiles.measured(model, conditionsOf(options));
    onEvent({ type: 'optimize-start', model, goal, candidates: plans.length });
    try {
      return await new Search({ ...options, clock, signal }, { header, process, folder, known }).run(plans);
    } catch (error) {
      if (signal.aborted) throw error;
      throw await asOptimizeError(error, options, betterHeader ?? header, folder);
    }
  } finally {
    await process.dispose();
    await tunedFiles.removeWorkFolder(model);
    await lock.release();
  }
}

type Plan = { recipe: Recipe; formats: ReadonlyMap<string, TensorType>; content: string };

function textOf({ text }: OptimizeOptions): string {
  return text ?? evaluationText;
}

/** What a candidate's figures hold for, beside the processor. */
function conditionsOf(options: OptimizeOptions): string {
  const { source, better, threads } = options;
  const text = createHash('sha256').update(textOf(options)).digest('hex').slice(0, 12);
  const from = better === undefined ? source : `${source} from ${better.identity}`;
  return `${from}, ${threads} threads, text ${text}, measured as in version ${measuringVersion}`;
}

/** Throws `config_invalid` for a candidate or a layer that there is not. */
function chooseRecipes(header: GgufHeader, { only, pruneLayers }: OptimizeOptions): Recipe[] {
  const known = candidateRecipes(header);
  const unknown = only?.find((id) => !known.some((recipe) => recipe.id === id));
  if (unknown !== undefined) {
    const names = known.map(({ id }) => id).join(', ');
    throw makeError('config_invalid', { reason: `there is no candidate ${unknown}; there are ${names}` });
  }
  const recipes = known.filter(({ id }) => only?.includes(id) ?? true);
  if (pruneLayers === undefined) return recipes;
  const layers = layerCount(header);
  const beyond = pruneLayers.find((layer) => layer >= layers);
  if (beyond !== undefined || new Set(pruneLayers).size >= layers) {
    throw makeError('config_invalid', { reason: `the model has the layers 0 to ${layers - 1}, and must keep one` });
  }
  return [...recipes, prunedRecipe(pruneLayers)];
}

type Watch = { signal: AbortSignal; onProgress: (share: number) => void };

/** Recipes that change nothing of this file, or the same as an earlier one, are left out. */
function planCandidates(recipes: readonly Recipe[], header: GgufHeader, isAnew: boolean): Plan[] {
  const seen = new Set<string>();
  return recipes
    .map((recipe) => {
      const formats = formatsOf(recipe, header, { isAnew });
      return { recipe, formats, content: JSON.stringify([[...formats], recipe.pruneLayers ?? []]) };
    })
    .filter(({ recipe, formats, content }) => {
      if (seen.has(content) || (formats.size === 0 && recipe.pruneLayers === undefined)) return false;
      seen.add(content);
      return true;
    });
}

type SearchParts = { header: GgufHeader; process: OptimizeProcess; folder: string; known: MeasuredFormats };

class Search {
  readonly #options: OptimizeOptions & { clock: Clock };
  readonly #parts: SearchParts;
  /** `path`: missing while its file is not there, because its figures were known. */
  #best: { candidate: Candidate; plan: Plan; path?: string } | undefined;
  /** Of the source file; known once anything is. */
  #sourcePerplexity: number;
  /** Of the published file against a better source, where there is one. */
  #published: Quality | undefined;
  #hasReadSource = false;

  constructor(options: OptimizeOptions & { clock: Clock }, parts: SearchParts) {
    this.#options = options;
    this.#parts = parts;
    this.#sourcePerplexity = parts.known.sourcePerplexity ?? Number.NaN;
  }

  async run(plans: readonly Plan[]): Promise<OptimizeResult> {
    const { goal, signal, tunedFiles, model, onEvent } = this.#options;
    const of = plans.length;
    // What the published file is away by is accepted of a candidate too.
    if (this.#options.better !== undefined) await this.#readSource(of);
    await this.#prepare(
      plans.filter((plan) => this.#remembered(plan) === undefined),
      of,
    );
    const candidates: Candidate[] = [];
    for (const [index, plan] of plans.entries()) {
      const candidate = this.#remembered(plan) ?? (await this.#try(plan, { number: index + 1, of }));
      candidates.push(candidate);
      await this.#keepBetter(candidate, plan);
      onEvent({ type: 'candidate', candidate, fits: candidate.quality.kl <= this.#klLimit });
    }
    const { better, only, source } = this.#options;
    const facts = {
      sourceBytes: this.#parts.header.fileSizeBytes,
      sourcePerplexity: this.#sourcePerplexity,
      klLimit: this.#klLimit,
      ...(this.#published === undefined ? {} : { published: this.#published }),
    };
    const best = this.#best;
    if (best?.candidate.measured === undefined) {
      // A part of the candidates says nothing of the others.
      if (only === undefined) await tunedFiles.noteTried(model, source);
      return { ...facts, candidates, tuned: undefined };
    }
    const path = best.path ?? (await this.#composeKnown(best.plan, of));
    const { recipe, quality, measured } = best.candidate;
    const tuned = await tunedFiles.adopt(
      path,
      {
        model,
        goal,
        recipe,
        source,
        ...(better === undefined ? {} : { roundedFrom: better.identity }),
        measured: { ...quality, sourcePerplexity: facts.sourcePerplexity, ...measured.speed },
      },
      new Date(this.#options.clock.wallTime()),
      signal,
    );
    return { ...facts, candidates, tuned };
  }

  /** Figures of an earlier run, where they are all that this goal needs. */
  #remembered(plan: Plan): Candidate | undefined {
    const { measureAgain, known } = { ...this.#options, ...this.#parts };
    const found = measureAgain === true ? undefined : known.find(plan.content);
    if (found === undefined || (found.speed === undefined && this.#isTimed(plan, found.quality))) return undefined;
    const { sizeBytes, quality, speed } = found;
    const { recipe } = plan;
    if (speed === undefined) return { recipe, sizeBytes, quality };
    return { recipe, sizeBytes, quality, measured: { id: recipe.id, sizeBytes, quality, speed } };
  }

  #isTimed({ recipe }: Plan, quality: Quality): boolean {
    const { measureAll } = this.#options;
    return quality.kl <= this.#klLimit || measureAll === true || recipe.pruneLayers !== undefined;
  }

  /** What the goal accepts; a candidate that is no further from a better source than the published file is, is accepted too. */
  get #klLimit(): number {
    return Math.max(klLimits[this.#options.goal], this.#published?.kl ?? 0);
  }

  /** Once. Throws `source_mismatch` where a better source turns out to be another model. */
  async #readSource(of: number): Promise<void> {
    if (this.#hasReadSource) return;
    this.#hasReadSource = true;
    const { sourcePath, better, threads, model, onEvent } = this.#options;
    const text = textOf(this.#options);
    const referencePath = this.#referencePath;
    const { process } = this.#parts;
    const { perplexity, mismatch } = await process.run(
      better === undefined
        ? { kind: 'reference', source: sourcePath, referencePath, threads, text }
        : { kind: 'reference', source: better.path, published: sourcePath, referencePath, threads, text },
      this.#watch({ step: 'reference', number: 0, of }),
    );
    this.#sourcePerplexity = perplexity;
    if (better === undefined) return;
    const names = { file: better.name, model };
    if (mismatch !== undefined) throw makeError('source_mismatch', { ...names, reason: mismatch });
    const quality = await process.run(
      { kind: 'quality', candidate: sourcePath, referencePath, threads, text },
      this.#watch({ step: 'published', number: 0, of }),
    );
    onEvent({ type: 'published', quality });
    if (quality.kl > mostPublishedKl) {
      const reason = `it says something else than the published file (KL ${quality.kl.toFixed(2)} nats)`;
      throw makeError('source_mismatch', { ...names, reason });
    }
    this.#published = quality;
  }

  /** Reads the source, and rounds each matrix once for each format that a plan wants it in. */
  async #prepare(plans: readonly Plan[], of: number): Promise<void> {
    if (plans.length === 0) return;
    const { sourcePath, better, threads } = this.#options;
    const source = better?.path ?? sourcePath;
    const { process } = this.#parts;
    await this.#readSource(of);
    const wanted = new Map<TensorType, Set<string>>();
    for (const [name, format] of plans.flatMap(({ formats }) => [...formats])) {
      wanted.set(format, (wanted.get(format) ?? new Set()).add(name));
    }
    for (const [format, names] of wanted) {
      const job = { source, target: this.#fileOf(format), format, tensors: [...names], threads };
      await process.run({ kind: 'quantise', ...job }, this.#watch({ step: 'quantise', recipe: format, number: 0, of }));
    }
  }

  get #referencePath(): string {
    return join(this.#parts.folder, 'reference');
  }

  #fileOf(format: TensorType): string {
    return join(this.#parts.folder, `${format}.gguf`);
  }

  /** Makes the file of a candidate that is as good as was measured before. */
  async #composeKnown(plan: Plan, of: number): Promise<string> {
    await this.#prepare([plan], of);
    const target = await this.#compose(plan, this.#watch({ step: 'compose', recipe: plan.recipe.id, number: of, of }));
    await readGgufHeader(target);
    return target;
  }

  async #compose({ recipe, formats }: Plan, watch: Watch): Promise<string> {
    const { sourcePath: base, threads } = this.#options;
    const target = this.#candidatePath(recipe);
    const from = new Map([...formats].map(([name, format]) => [name, this.#fileOf(format)]));
    await composeGguf({ base, from, target });
    const { pruneLayers } = recipe;
    if (pruneLayers === undefined) return target;
    const pruned = join(this.#parts.folder, `candidate-${recipe.id}-pruned.gguf`);
    const job = { source: target, target: pruned, format: 'iq4_nl' as const, tensors: [], pruneLayers, threads };
    await this.#parts.process.run({ kind: 'quantise', ...job }, watch);
    await rename(pruned, target);
    return target;
  }

  #candidatePath({ id }: Recipe): string {
    return join(this.#parts.folder, `candidate-${id}.gguf`);
  }

  /** Makes a candidate and measures it. Its file stays, for `#keepBetter` to judge. */
  async #try(plan: Plan, place: { number: number; of: number }): Promise<Candidate> {
    const { sourcePath: source, threads } = this.#options;
    const text = textOf(this.#options);
    const { header, process, known } = this.#parts;
    const { recipe, content } = plan;
    const watch = (step: OptimizeStep) => this.#watch({ step, recipe: recipe.id, ...place });
    const target = await this.#compose(plan, watch('compose'));
    // What is not whole never reaches native code again.
    const { fileSizeBytes: sizeBytes } = await readGgufHeader(target);
    const quality = await process.run(
      { kind: 'quality', candidate: target, referencePath: this.#referencePath, threads, text },
      watch('quality'),
    );
    if (!this.#isTimed(plan, quality)) {
      await known.add({ content, sizeBytes, quality }, this.#sourcePerplexity);
      return { recipe, sizeBytes, quality };
    }
    const keepLoaded = this.#options.availableBytes > header.fileSizeBytes + sizeBytes + workingBytes;
    const speed = await process.run(
      { kind: 'speed', source, candidate: target, threads, keepLoaded, leastRounds, mostRounds },
      watch('speed'),
    );
    await known.add({ content, sizeBytes, quality, speed }, this.#sourcePerplexity);
    return { recipe, sizeBytes, quality, measured: { id: recipe.id, sizeBytes, quality, speed } };
  }

  /** Keeps the candidate's file, if there is one, only while it is the best. */
  async #keepBetter(candidate: Candidate, plan: Plan): Promise<void> {
    const isExperiment = plan.recipe.pruneLayers !== undefined;
    const contenders = [this.#best?.candidate, isExperiment ? undefined : candidate].flatMap(
      (each) => each?.measured ?? [],
    );
    const chosen = chooseCandidate(contenders, this.#options.goal, this.#parts.header.fileSizeBytes, this.#klLimit);
    const path = this.#candidatePath(plan.recipe);
    if (chosen === undefined || chosen !== candidate.measured) {
      await rm(path, { force: true });
      return;
    }
    if (this.#best?.path !== undefined) await rm(this.#best.path, { force: true });
    const hasFile = await stat(path).then(
      () => true,
      () => false,
    );
    this.#best = { candidate, plan, ...(hasFile ? { path } : {}) };
  }

  #watch(step: Omit<Extract<OptimizeEvent, { type: 'step' }>, 'type' | 'share'>): Watch {
    const { signal, onEvent } = this.#options;
    onEvent({ type: 'step', ...step, share: 0 });
    return { signal, onProgress: (share: number) => onEvent({ type: 'step', ...step, share }) };
  }
}
