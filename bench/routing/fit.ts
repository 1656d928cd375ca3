/**
 * Fits the complexity estimate to recorded answers: logistic regression, drawn towards the coefficients that were set by
 * judgement, so that what the recordings do not show (pictures, speech, tools) keeps its judged weight.
 */
// oxlint-disable no-restricted-imports -- fits the product's own estimate
import type { ComplexityCoefficients, ComplexityFeature } from '../../src/signals/complexity/complexity-types.ts';
import type { TaskKind } from '../../src/signals/task/classify-task.ts';
import { mean, seeded } from './figures.ts';

export type Example = {
  family: string;
  task: TaskKind;
  features: Record<ComplexityFeature, number>;
  /** The small model failed. */
  failed: boolean;
};

/**
 * Strength of the pull: so strong that only the level and the scale move. Single weights that were fitted to 100 families of
 * requests did worse on families that they had not seen.
 */
const pull: number = 10_000;
/** How much of the judgement is believed; chosen among these by cross-validation inside the training part. */
const beliefs = [0.1, 0.2, 0.3, 0.45, 0.6, 1];
const steps = 25;

/** `folds` numbers, one for each example; a family is never in two. Families of one size are spread evenly. */
export function foldsByFamily(families: readonly string[], folds: number, seed = 7): number[] {
  const random = seeded(seed);
  const sizes = new Map<string, number>();
  for (const family of families) sizes.set(family, (sizes.get(family) ?? 0) + 1);
  const order = [...sizes].map(([family, size]) => ({ family, size, draw: random() }));
  order.sort((left, right) => right.size - left.size || left.draw - right.draw);
  const filled = Array.from({ length: folds }, () => 0);
  const foldOf = new Map<string, number>();
  for (const { family, size } of order) {
    const fold = filled.indexOf(Math.min(...filled));
    foldOf.set(family, fold);
    filled[fold] = (filled[fold] ?? 0) + size;
  }
  return families.map((family) => foldOf.get(family) ?? 0);
}

/** Each example's score by coefficients that were fitted without its family. */
export function outOfFold(examples: readonly Example[], prior: ComplexityCoefficients, folds = 8): number[] {
  const foldOf = foldsByFamily(
    examples.map(({ family }) => family),
    folds,
  );
  const scores = examples.map(() => Number.NaN);
  for (let fold = 0; fold < folds; fold++) {
    const training = examples.filter((_, index) => foldOf[index] !== fold);
    if (training.length === examples.length) continue;
    const { coefficients } = fit(training, prior);
    for (const [index, example] of examples.entries()) {
      if (foldOf[index] === fold) scores[index] = scoreOf(example, coefficients);
    }
  }
  return scores;
}

/** Fits with the belief that does best in a cross-validation by family over these same examples. */
export function fit(
  examples: readonly Example[],
  prior: ComplexityCoefficients,
): { coefficients: ComplexityCoefficients; belief: number } {
  const foldOf = foldsByFamily(
    examples.map(({ family }) => family),
    5,
    11,
  );
  const losses = beliefs.map((belief) =>
    mean(
      [0, 1, 2, 3, 4].flatMap((fold) => {
        const training = examples.filter((_, index) => foldOf[index] !== fold);
        const coefficients = fitWith(training, believed(prior, belief));
        return examples.filter((_, index) => foldOf[index] === fold).map((each) => logLoss(each, coefficients));
      }),
    ),
  );
  const belief = beliefs[losses.indexOf(Math.min(...losses))] ?? 1;
  return { coefficients: fitWith(examples, believed(prior, belief)), belief };
}

/** The judgement with all of its weights made smaller: the same order, but less sure of itself. */
function believed(prior: ComplexityCoefficients, belief: number): ComplexityCoefficients {
  const scaled = <Name extends string>(weights: Record<Name, number>) =>
    Object.fromEntries(Object.entries<number>(weights).map(([name, weight]) => [name, weight * belief])) as Record<
      Name,
      number
    >;
  return { ...prior, features: scaled(prior.features), tasks: scaled(prior.tasks) };
}

export function scoreOf(
  { features, task }: Example,
  { bias, features: weights, tasks }: ComplexityCoefficients,
): number {
  let sum = bias + tasks[task];
  for (const name of Object.keys(weights) as ComplexityFeature[]) sum += weights[name] * features[name];
  return 1 / (1 + Math.exp(-sum));
}

function logLoss(example: Example, coefficients: ComplexityCoefficients): number {
  const score = Math.min(1 - 1e-9, Math.max(1e-9, scoreOf(example, coefficients)));
  return -Math.log(example.failed ? score : 1 - score);
}

/** Newton's method on the penalised likelihood; a few dozen weights, so the matrix is solved directly. */
function fitWith(examples: readonly Example[], prior: ComplexityCoefficients): ComplexityCoefficients {
  const featureNames = Object.keys(prior.features) as ComplexityFeature[];
  const taskNames = Object.keys(prior.tasks) as TaskKind[];
  const rows = examples.map(({ features, task }) => [
    1,
    ...featureNames.map((name) => features[name]),
    ...taskNames.map((name) => (name === task ? 1 : 0)),
  ]);
  const start = [
    prior.bias,
    ...featureNames.map((name) => prior.features[name]),
    ...taskNames.map((name) => prior.tasks[name]),
  ];
  // The bias is free: only the pattern of the judgement is kept, not its level.
  const pulled = start.map((_, index) => (index === 0 ? 1e-3 : pull));
  let weights = [...start];
  for (let step = 0; step < steps; step++) {
    const gradient = weights.map((weight, index) => (pulled[index] ?? 0) * (weight - (start[index] ?? 0)));
    const hessian = weights.map((_, row) => weights.map((__, column) => (row === column ? (pulled[row] ?? 0) : 0)));
    for (const [index, row] of rows.entries()) {
      const score = 1 / (1 + Math.exp(-row.reduce((sum, value, at) => sum + value * (weights[at] ?? 0), 0)));
      const error = score - (examples[index]?.failed === true ? 1 : 0);
      const curve = score * (1 - score);
      for (const [at, value] of row.entries()) {
        if (value === 0) continue;
        gradient[at] = (gradient[at] ?? 0) + error * value;
        const line = hessian[at] ?? [];
        for (const [other, second] of row.entries()) line[other] = (line[other] ?? 0) + curve * value * second;
      }
    }
    const change = solve(hessian, gradient);
    weights = weights.map((weight, index) => weight - (change[index] ?? 0));
    if (Math.max(...change.map(Math.abs)) < 1e-6) break;
  }
  const named = <Name extends string>(names: Name[], offset: number): Record<Name, number> =>
    Object.fromEntries(names.map((name, index) => [name, weights[offset + index] ?? 0])) as Record<Name, number>;
  return {
    version: 'fit',
    bias: weights[0] ?? 0,
    features: named(featureNames, 1),
    tasks: named(taskNames, 1 + featureNames.length),
  };
}

/** Gauss with pivots; `matrix` is positive definite and is used up. */
function solve(matrix: number[][], right: number[]): number[] {
  const size = right.length;
  const rows = matrix.map((row, index) => [...row, right[index] ?? 0]);
  for (let pivot = 0; pivot < size; pivot++) {
    let best = pivot;
    for (let row = pivot + 1; row < size; row++) {
      if (Math.abs(rows[row]?.[pivot] ?? 0) > Math.abs(rows[best]?.[pivot] ?? 0)) best = row;
    }
    [rows[pivot], rows[best]] = [rows[best] ?? [], rows[pivot] ?? []];
    const lead = rows[pivot] ?? [];
    for (let row = 0; row < size; row++) {
      const line = rows[row] ?? [];
      const factor = row === pivot ? 0 : (line[pivot] ?? 0) / (lead[pivot] ?? 1);
      if (factor === 0) continue;
      for (let column = pivot; column <= size; column++)
        line[column] = (line[column] ?? 0) - factor * (lead[column] ?? 0);
    }
  }
  return rows.map((row, index) => (row[size] ?? 0) / (row[index] ?? 1));
}
