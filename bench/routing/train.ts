/**
 * Fits the complexity estimate to the recorded answers of the device's model and writes the coefficients into
 * `src/signals/data/complexity-coefficients.ts`. `npm run bench:routing -- train`
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { loadExamples } from './cases.ts';
import { fit } from './fit.ts';
import { judgedCoefficients } from './judged-coefficients.ts';

const target = path.resolve('src/signals/data/complexity-coefficients.ts');

export function train(): void {
  const examples = loadExamples();
  const { coefficients, belief } = fit(examples, judgedCoefficients);
  const lines = (record: Record<string, number>): string =>
    Object.entries(record)
      .map(([name, value]) => `    ${name.includes('-') ? `'${name}'` : name}: ${Number(value.toFixed(3))},\n`)
      .join('');
  writeFileSync(
    target,
    `/** Written by \`npm run bench:routing -- train\` from ${examples.length} recorded answers; belief ${belief}. Not edited by hand. */
import type { ComplexityCoefficients } from '../complexity/complexity-types.ts';

export const complexityCoefficients: ComplexityCoefficients = {
  version: '1-fit-${examples.length}',
  bias: ${Number(coefficients.bias.toFixed(3))},
  features: {
${lines(coefficients.features)}  },
  tasks: {
${lines(coefficients.tasks)}  },
};
`,
  );
  console.log(`fitted to ${examples.length} answers, belief ${belief}: ${target}`);
}
