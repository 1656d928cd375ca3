/**
 * `npm run bench:privacy`: how much the privacy signals find, and how much they find wrongly, on the sets in
 * `test/fixtures/privacy`. Prints the figures of `docs/privacy.md`; `-- development` or `-- held-out` for one set alone.
 */
// oxlint-disable no-restricted-imports -- measures pure functions in process, like bench/engine
import {
  f1,
  hasSet,
  isStructured,
  recall,
  scoreConversations,
  scoreIdentifiers,
  scoreNegatives,
  scoreTopics,
  total,
  type Counts,
  type SetName,
} from '../../test/privacy/score.ts';

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
const line = (name: string, ...values: string[]): void => console.log(`  ${name.padEnd(30)} ${values.join('  ')}`);
const counts = ({ found, missed, wrong }: Counts): string => `found ${found}, missed ${missed}, wrong ${wrong}`;

function print(set: SetName): void {
  console.log(`${set} set`);
  const { byType } = scoreIdentifiers(set);
  const structured = total(byType, isStructured);
  line('structured identifiers, recall', percent(recall(structured)), counts(structured));
  for (const [type, one] of byType) line(`  ${type}, recall`, percent(recall(one)), counts(one));
  const all = total(byType);
  line('identifiers and names, F1', percent(f1(all)), counts(all));
  const negatives = scoreNegatives(set);
  line('harmless texts called private', percent(negatives.share), `of ${negatives.count}`);
  const topics = scoreTopics(set);
  line('sensitive or not, F1', percent(f1(topics.all)), counts(topics.all));
  for (const [topic, one] of topics.byTopic) line(`  ${topic}, F1`, percent(f1(one)), counts(one));
  const { missed, wrong, count } = scoreConversations(set);
  line(`conversations of ${count}`, `private ones missed ${missed.length}, harmless ones kept ${wrong.length}`);
}

const [wanted] = process.argv.slice(2);
for (const set of ['development', 'held-out'] as const) {
  if (wanted !== undefined && wanted !== set) continue;
  if (hasSet(set)) print(set);
  else console.log(`there is no ${set} set`);
}
