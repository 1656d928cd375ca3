/**
 * `npm run bench:privacy`: how much the privacy signals find, and how much they find wrongly, on the sets in
 * `test/fixtures/privacy`. Prints the table of `docs/privacy.md`, a column for each folder with a set; `-- NAME…` for some of them.
 */
// oxlint-disable no-restricted-imports -- measures pure functions in process, like bench/engine
import {
  f1,
  isStructured,
  recall,
  scoreConversations,
  scoreIdentifiers,
  scoreNegatives,
  scoreTopics,
  setNames,
  total,
  typeNames,
  type SetName,
} from '../../test/privacy/score.ts';
import { sensitiveTopics } from '../../src/signals/privacy/types.ts';

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
const dash = '–';

/** One column of the table: a cell for each row. */
function measure(set: SetName): Map<string, string> {
  const cells = new Map<string, string>();
  const { byType } = scoreIdentifiers(set);
  const shareFound = (types: (type: string) => boolean): string => {
    const counts = total(byType, types);
    const labelled = counts.found + counts.missed;
    return labelled === 0 ? dash : `${percent(recall(counts))} (${counts.found} of ${labelled})`;
  };
  cells.set('structured identifiers, recall', shareFound(isStructured));
  const [structured, inContext] = [true, false].map((wanted) =>
    Object.keys(typeNames).filter((type) => isStructured(type) === wanted),
  );
  for (const type of structured ?? [])
    cells.set(
      `… ${type.replaceAll('_', ' ')}`,
      shareFound((one) => one === type),
    );
  for (const type of inContext ?? [])
    cells.set(
      `${type.replaceAll('_', ' ')}, recall`,
      shareFound((one) => one === type),
    );
  const all = total(byType);
  cells.set('findings where nothing is labelled', String(all.wrong));
  cells.set('all identifiers and names, F1', percent(f1(all)));
  const negatives = scoreNegatives(set);
  const wrong = Math.round(negatives.share * negatives.count);
  cells.set('harmless texts called private', `${percent(negatives.share)} (${wrong} of ${negatives.count})`);
  const { all: topics, byTopic } = scoreTopics(set);
  const hasTopics = byTopic.size > 0;
  cells.set('sensitive or not, F1', hasTopics ? percent(f1(topics)) : dash);
  cells.set('… missed, called so wrongly', hasTopics ? `${topics.missed}, ${topics.wrong}` : dash);
  for (const topic of sensitiveTopics) {
    const counts = byTopic.get(topic);
    cells.set(`… ${topic}, F1`, counts === undefined ? dash : percent(f1(counts)));
  }
  const conversations = scoreConversations(set);
  cells.set('conversations', String(conversations.count));
  cells.set('… private ones missed', String(conversations.missed.length));
  cells.set('… harmless ones kept', String(conversations.wrong.length));
  return cells;
}

const known = setNames();
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`There is no set ${unknown.join(', ')}. There are: ${known.join(', ')}.`);
  process.exitCode = 1;
} else {
  const sets = wanted.length === 0 ? known : wanted;
  const columns = sets.map(measure);
  const rows = [...new Set(columns.flatMap((column) => [...column.keys()]))];
  console.log(`| what | ${sets.join(' | ')} |`);
  console.log(`|---|${sets.map(() => '---|').join('')}`);
  for (const row of rows) console.log(`| ${row} | ${columns.map((column) => column.get(row) ?? dash).join(' | ')} |`);
}
