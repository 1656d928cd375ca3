/** Whether the complexity estimate means what it says: reliability, Brier score and AUROC, out of the fitted families. */
import type { Case } from './cases.ts';
import { auroc, bootstrap, mean, percent, seeded, shown, type Interval } from './figures.ts';
import { scoreOf } from './fit.ts';
import { judgedCoefficients } from './judged-coefficients.ts';

const bins = [0, 0.2, 0.4, 0.6, 0.8, 1.000001];

export function printCalibration(
  cases: readonly Case[],
  complexity: readonly number[],
  lengths: readonly number[],
): void {
  const failed = cases.map(({ right }) => !right.device);
  const gained = cases.map(({ right }) => !right.device && right.cloud);
  const judged = cases.map(({ example }) => scoreOf(example, judgedCoefficients));
  const base = mean(failed.map(Number));
  console.log(
    `\nThe device fails at ${percent(base)}; the cloud is right at ${percent(mean(gained.map(Number)) / base)} of these.`,
  );
  console.log('\nComplexity\trequests\tmean estimate\tdevice failed');
  for (const [index, low] of bins.slice(0, -1).entries()) {
    const high = bins[index + 1] ?? 1;
    const inside = complexity.flatMap((score, at) => (score >= low && score < high ? [at] : []));
    const estimate = mean(inside.map((at) => complexity[at] ?? 0));
    const observed = mean(inside.map((at) => Number(failed[at])));
    const cells = inside.length === 0 ? ['–', '–'] : [percent(estimate), percent(observed)];
    console.log([`${low.toFixed(1)}–${Math.min(1, high).toFixed(1)}`, inside.length, ...cells].join('\t'));
  }
  const brier = (scores: readonly number[]): Interval =>
    bootstrap(
      cases.length,
      (indices) => mean(indices.map((at) => ((scores[at] ?? 0) - Number(failed[at])) ** 2)),
      seeded(4),
    );
  const area = (scores: readonly number[], positives: readonly boolean[]): Interval =>
    bootstrap(
      cases.length,
      (indices) =>
        auroc(
          indices.map((at) => scores[at] ?? 0),
          indices.map((at) => positives[at] ?? false),
        ),
      seeded(3),
    );
  console.log(
    '\n[95 %]\tBrier score (less is better)\tAUROC, device fails\tAUROC, cloud is right where the device fails',
  );
  for (const [name, scores] of [
    ['complexity, fitted', complexity],
    ['complexity, judged', judged],
    ['always the mean', cases.map(() => base)],
    ['length', lengths],
  ] as const) {
    const score = name === 'length' ? '–' : shown(brier(scores), 3);
    console.log([name, score, shown(area(scores, failed), 3), shown(area(scores, gained), 3)].join('\t'));
  }
}
