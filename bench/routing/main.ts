/**
 * `npm run bench:routing`: how good the router is, on recorded answers, and how long a decision takes.
 * `npm run bench:routing -- record --device URL MODEL --cloud URL MODEL [--limit N]` records the answers.
 */
import { compare } from './compare.ts';
import { measureDecision } from './decision.ts';
import { record } from './record.ts';
import type { Side } from './questions.ts';

const words = process.argv.slice(2).filter((word) => word !== 'routing');
const after = (flag: string, place: number): string | undefined => {
  const at = words.indexOf(flag);
  return at < 0 ? undefined : words[at + place];
};

if (words[0] === 'record') {
  const limit = Number(after('--limit', 1) ?? Number.POSITIVE_INFINITY);
  for (const side of ['device', 'cloud'] as Side[]) {
    const [url, model] = [after(`--${side}`, 1), after(`--${side}`, 2)];
    if (url !== undefined) await record({ side, url, model: model ?? 'auto', limit });
  }
} else {
  if (words[0] !== 'decision') compare();
  if (words[0] !== 'compare') {
    console.log('\nWhat routing adds to a request:');
    await measureDecision();
  }
}
