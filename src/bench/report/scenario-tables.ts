/** The reference document's table of scenarios, what was answered, and whether the small set was answered right. */
import { distribution, type Distribution } from '../metrics/summary.ts';
import type { Results } from '../results-file.ts';
import { scenarios } from '../suites/scenarios.ts';
import { missing, ratio, requestsOf, shown, targetHeads, type Table } from './cells.ts';
import { both, same, scenarioName, type Text } from './texts.ts';

export function scenarioTable(results: Results): Table {
  const { targets } = results.run;
  const [first, second] = targets;
  const hasRatio = first !== undefined && second !== undefined;
  const measure = (target: string, name: string, cold: boolean): Distribution | Text => {
    const records = requestsOf(results, target, 'scenarios', name).filter((record) => record.cold === cold);
    const good = records.filter(({ outcome }) => outcome === 'ok').map(({ endMs }) => endMs);
    const found = distribution(good);
    if (found !== undefined) return found;
    const told = results.notes.find((each) => each.target === target && each.case === name);
    if (told?.kind === 'unsupported') return both('不支持', 'not supported');
    if (told !== undefined) return both(`未测：${told.text}`, `not measured: ${told.text}`);
    return records.length === 0 ? missing : same([...new Set(records.map(({ outcome }) => outcome))].join(', '));
  };
  const rows = scenarios.flatMap(({ name }) =>
    [true, false].map((cold) => {
      const values = targets.map((target) => measure(target.name, name, cold));
      const label = scenarioName(name);
      return [
        cold ? both(`${label.zh}，冷`, `${label.en}, cold`) : both(`${label.zh}，热`, `${label.en}, warm`),
      ].concat(
        values.map((value) => ('mean' in value ? shown(value, 'ms', 0) : value)),
        hasRatio ? [ratio(values[0], values[1])] : [],
      );
    }),
  );
  return {
    title: both('典型场景端到端耗时', 'Scenarios, end to end'),
    head: [both('任务', 'Task'), ...targetHeads(results), ...(hasRatio ? [both('比值', 'Ratio')] : [])],
    rows,
    notes: [],
  };
}

export function qualityTable(results: Results): Table {
  const { targets } = results.run;
  const items = [...new Set(results.requests.filter(({ suite }) => suite === 'quality').map((record) => record.case))];
  const verdict = (target: string, item: string): Text => {
    const record = requestsOf(results, target, 'quality', item).at(-1);
    if (record?.correct === undefined) return same(record?.outcome ?? '–');
    return same(`${record.correct ? '✓' : '✗'} ${(record.text ?? '').replaceAll(/\s+/g, ' ').slice(0, 40)}`);
  };
  const total = targets.map(({ name }) => {
    const judged = requestsOf(results, name, 'quality').filter(({ correct }) => correct !== undefined);
    return same(`${judged.filter(({ correct }) => correct).length} / ${judged.length}`);
  });
  return {
    title: both('正确率小测', 'Answers that can be checked'),
    head: [both('题目', 'Question'), ...targetHeads(results)],
    rows:
      items.length === 0
        ? []
        : [
            [both('正确', 'Correct'), ...total],
            ...items.map((item) => [same(item)].concat(targets.map(({ name }) => verdict(name, item)))),
          ],
    notes: [
      both(
        '题量太小，不能给模型排名；只为发现「快而错」。',
        'Far too few to rank models: they show speed bought with wrong answers.',
      ),
    ],
  };
}

const shownCharacters = 240;

/** What came in the cold run of each scenario: a reader sees at once what the figures bought. */
export function answerTable(results: Results): Table {
  const { targets } = results.run;
  const said = (target: string, name: string): Text => {
    const record = requestsOf(results, target, 'scenarios', name).find(({ outcome }) => outcome === 'ok');
    if (record?.text === undefined) return same('–');
    const text = record.text.replaceAll(/\s+/g, ' ').trim();
    return same(text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text);
  };
  const rows = scenarios
    .filter(({ name }) => targets.some((target) => said(target.name, name).en !== '–'))
    .map(({ name }) => [scenarioName(name)].concat(targets.map((target) => said(target.name, name))));
  return {
    title: both('各自的回答', 'What was answered'),
    head: [both('任务', 'Task'), ...targetHeads(results)],
    rows,
    notes: [both('回答按测试的长度上限截断。', 'Answers end at the length that the benchmark asks for.')],
  };
}
