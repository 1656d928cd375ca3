/**
 * Compares ways to choose a side on the recorded answers: no model runs. The complexity of a request comes from
 * coefficients that were fitted without its family of questions. How long an answer takes is computed from its recorded
 * tokens and the measured pace of the two servers; a price of 1 for a thousand tokens stands for the cloud's cost.
 */
// oxlint-disable no-restricted-imports -- measures the pure functions themselves, like bench/signals
import { decide } from '../../src/routing/decide.ts';
import { defaultPolicy, parsePolicy, type Policy } from '../../src/routing/policy.ts';
import { printCalibration } from './calibration.ts';
import { loadCases, observedState, type Case } from './cases.ts';
import { bootstrap, mean, percent, seeded, shown, type Interval } from './figures.ts';
import { outOfFold } from './fit.ts';
import { judgedCoefficients } from './judged-coefficients.ts';
import type { Side } from './questions.ts';
import { answerMs, loadSpeeds, type Speeds } from './speeds.ts';

/** The chance that a request goes to the cloud. */
type Strategy = { name: string; out: readonly number[] };

export function compare(): void {
  const cases = loadCases();
  const speeds = loadSpeeds();
  if (cases.length === 0 || speeds === undefined) {
    console.log('There are no recorded answers or no measured speeds. With two servers:');
    for (const word of ['record', 'speeds']) {
      console.log(
        `  npm run bench:routing -- ${word} --device http://127.0.0.1:8131 MODEL --cloud http://127.0.0.1:8132 MODEL`,
      );
    }
    return;
  }
  const complexity = outOfFold(
    cases.map(({ example }) => example),
    judgedCoefficients,
  );
  const lengths = cases.map(({ question }) => question.prompt.length);
  const choose = (policy: Policy): number[] =>
    cases.map((each, index) => chosen(each, complexity[index] ?? 1, policy, speeds));
  const ours = choose(defaultPolicy);
  const eager = choose(parsePolicy({ preference: 'prefer_in_cloud' }));
  const share = mean(ours);
  const gains = cases.map(({ right }) => (right.cloud && !right.device ? 1 : 0));
  printSetting(cases, speeds);
  printStrategies(cases, speeds, [
    { name: 'always device', out: cases.map(() => 0) },
    { name: 'always cloud', out: cases.map(() => 1) },
    { name: 'random, our share', out: cases.map(() => share) },
    { name: 'longest first, our share', out: highestFirst(lengths, share) },
    {
      name: 'shortest first, our share',
      out: highestFirst(
        lengths.map((length) => -length),
        share,
      ),
    },
    { name: 'oracle', out: gains },
    { name: 'ours (prefer_on_device)', out: ours },
    { name: 'ours (prefer_in_cloud)', out: eager },
  ]);
  const cloudFails = outOfFold(
    cases.map(({ example, right }) => ({ ...example, failed: !right.cloud })),
    judgedCoefficients,
  );
  printAtEqualShares(cases, complexity, cloudFails, lengths, gains);
  printCalibration(cases, complexity, lengths);
  printTasks(cases, ours);
}

function printSetting(cases: Case[], { sides, measuredAt, cpu, cores, loadAverageBefore, rounds }: Speeds): void {
  const kept = cases.filter(({ signals }) => signals.privacy.identifiers.length + signals.privacy.topics.length > 0);
  console.log(
    `${cases.length} requests with answers of both sides; ${kept.length} of them the detectors call private.`,
  );
  console.log(
    `Pace, one request at a time, medians of ${rounds}, ${measuredAt}, ${cores} cores of ${cpu}, load before ${loadAverageBefore}:`,
  );
  if (loadAverageBefore > 1) console.log('That machine was busy: the times are good for their ratio at most.');
  console.log('side\tmodel\tfirst token of a short question, ms\tprefill tok/s\tdecode tok/s');
  for (const side of ['device', 'cloud'] as const) {
    const { model, shortFirstTokenMs, prefillTokensPerSecond, decodeTokensPerSecond } = sides[side];
    console.log([side, model, shortFirstTokenMs, prefillTokensPerSecond, decodeTokensPerSecond].join('\t'));
  }
}

function printStrategies(cases: Case[], speeds: Speeds, strategies: Strategy[]): void {
  const best = mean(cases.map(({ right }) => (right.device || right.cloud ? 1 : 0)));
  console.log('\nstrategy\tquality [95 %]\tsent out\tlatency s\tcost\tregret');
  for (const { name, out } of strategies) {
    const quality = qualityOf(cases, out);
    const latency = mean(
      cases.map((each, index) => mix(out[index] ?? 0, msOf(each, 'device', speeds), msOf(each, 'cloud', speeds))),
    );
    const cost = mean(cases.map(({ answers }, index) => (out[index] ?? 0) * thousandTokens(answers.cloud)));
    console.log(
      [
        name,
        shown(quality),
        percent(mean(out)),
        (latency / 1000).toFixed(2),
        cost.toFixed(3),
        percent(best - quality.value),
      ].join('\t'),
    );
  }
}

/** The order alone, without margins: who is sent out first, at the same share. */
function printAtEqualShares(
  cases: Case[],
  complexity: number[],
  cloudFails: number[],
  lengths: number[],
  gains: number[],
): void {
  // Not what the product does: it would have to know the cloud's model as well.
  const both = complexity.map((fails, index) => fails * (1 - (cloudFails[index] ?? 0)));
  const rows = [
    { name: 'complexity', scores: complexity },
    { name: 'complexity × a fit of what the cloud gets right', scores: both },
    { name: 'longest first', scores: lengths },
    { name: 'shortest first', scores: lengths.map((length) => -length) },
    {
      name: 'oracle',
      scores: cases.map(({ right }, index) => (gains[index] === 1 ? 2 : right.device && !right.cloud ? 0 : 1)),
    },
  ];
  const shares = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
  console.log('\nQuality where the highest go out, at equal shares');
  console.log(['by', ...shares.map((share) => `${share * 100} %`), 'mean of the nine'].join('\t'));
  for (const { name, scores } of rows) {
    const values = shares.map((share) => qualityOf(cases, highestFirst(scores, share), 1).value);
    console.log([name, ...values.map(percent), percent(mean(values))].join('\t'));
  }
  for (const rival of rows.slice(2, 4)) {
    const areaOver = (indices: readonly number[], scores: number[]): number =>
      mean(
        shares.map((share) => {
          const drawn = indices.map((index) => scores[index] ?? 0);
          const out = highestFirst(drawn, share);
          return mean(indices.map((index, at) => rightness(cases[index], out[at] ?? 0)));
        }),
      );
    const difference = bootstrap(
      cases.length,
      (indices) => areaOver(indices, complexity) - areaOver(indices, rival.scores),
      seeded(5),
      400,
    );
    console.log(`complexity − ${rival.name}, mean of the nine: ${shown(difference)}`);
  }
}

function printTasks(cases: Case[], ours: number[]): void {
  console.log('\ntask\trequests\tdevice right\tcloud right\tours right\tsent out');
  for (const group of new Set(cases.map(({ question }) => `${question.task}-${question.language}`))) {
    const own = cases.flatMap((each, index) =>
      `${each.question.task}-${each.question.language}` === group ? [{ each, out: ours[index] ?? 0 }] : [],
    );
    const share = (value: (row: { each: Case; out: number }) => number): string => percent(mean(own.map(value)));
    console.log(
      [
        group,
        own.length,
        share(({ each }) => Number(each.right.device)),
        share(({ each }) => Number(each.right.cloud)),
        share(({ each, out }) => rightness(each, out)),
        share(({ out }) => out),
      ].join('\t'),
    );
  }
}

function chosen({ signals }: Case, complexity: number, policy: Policy, speeds: Speeds): number {
  const decision = decide({ ...signals, complexity }, policy, observedState(speeds));
  return decision.kind === 'route' && decision.target === 'cloud' ? 1 : 0;
}

/** Sends out that share, the highest scores first; what is tied at the edge goes out in part. */
function highestFirst(scores: readonly number[], share: number): number[] {
  const wanted = share * scores.length;
  const edge =
    scores.toSorted((left, right) => right - left)[Math.max(0, Math.ceil(wanted) - 1)] ?? Number.POSITIVE_INFINITY;
  const above = scores.filter((score) => score > edge).length;
  const tied = scores.filter((score) => score === edge).length;
  const part = tied === 0 ? 0 : Math.min(1, Math.max(0, (wanted - above) / tied));
  return scores.map((score) => (score > edge ? 1 : score === edge ? part : 0));
}

function qualityOf(cases: Case[], out: readonly number[], rounds?: number): Interval {
  return bootstrap(
    cases.length,
    (indices) => mean(indices.map((index) => rightness(cases[index], out[index] ?? 0))),
    seeded(2),
    rounds,
  );
}

function rightness(each: Case | undefined, out: number): number {
  return each === undefined ? 0 : mix(out, Number(each.right.device), Number(each.right.cloud));
}

function mix(out: number, device: number, cloud: number): number {
  return out * cloud + (1 - out) * device;
}

function msOf({ answers }: Case, side: Side, { sides }: Speeds): number {
  return answerMs(sides[side], answers[side].promptTokens, answers[side].completionTokens);
}

function thousandTokens({ promptTokens, completionTokens }: Case['answers'][Side]): number {
  return (promptTokens + completionTokens) / 1000;
}
