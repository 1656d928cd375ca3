/** The report's tables, language and form still open. The first three are the reference document's. */
import { summarise, type Summary } from '../metrics/summary.ts';
import type { Results } from '../results-file.ts';
import { targetHeads, type Table } from './cells.ts';
import { loadTables } from './load-tables.ts';
import { metricTable } from './metric-table.ts';
import { answerTable, qualityTable, scenarioTable } from './scenario-tables.ts';
import { both, factName, same } from './texts.ts';
import { modelName } from './warnings.ts';

export function tablesOf(results: Results): Table[] {
  return [
    environmentTable(results),
    metricTable(results),
    scenarioTable(results),
    ...loadTables(results),
    qualityTable(results),
    answerTable(results),
    outcomeTable(results),
  ].filter(({ rows }) => rows.length > 0);
}

function environmentTable(results: Results): Table {
  const { targets, version, revision, startedAt } = results.run;
  const names = [...new Set(targets.flatMap(({ environment }) => Object.keys(environment)))];
  const models = targets.map(({ name, model }) => {
    const answered = new Set(
      results.requests.filter(({ target }) => target === name).flatMap((each) => each.model ?? []),
    );
    const others = [...answered].filter((id) => id !== model).map((id) => `→ ${modelName(id)}`);
    return same([modelName(model)].concat(others).join(' '));
  });
  const rows = names.map((name) =>
    [factName(name)].concat(
      targets.map(({ environment }) => {
        const fact = environment[name];
        if (fact === undefined) return same('–');
        return same(fact.reason === undefined ? fact.value : `${fact.value} (${fact.reason})`);
      }),
    ),
  );
  const address = [both('地址', 'address'), ...targets.map(({ url }) => same(url))];
  return {
    title: both('测试环境配置', 'Environment'),
    head: [both('维度', 'Item'), ...targetHeads(results)],
    rows: [address, [factName('model'), ...models], ...rows],
    notes: [same(`duanyun ${version}${revision === undefined ? '' : `, git ${revision}`}, ${startedAt}`)],
  };
}

function outcomeTable(results: Results): Table {
  const { targets } = results.run;
  const summaries = targets.map(({ name }) => summarise(results.requests.filter(({ target }) => target === name)));
  const names = [
    ...new Set(summaries.flatMap(({ outcomes }) => Object.keys(outcomes))),
  ] as (keyof Summary['outcomes'])[];
  return {
    title: both('请求结果', 'How the requests ended'),
    head: [both('结果', 'Outcome'), ...targetHeads(results)],
    rows: names.map((name) => [same(name)].concat(summaries.map(({ outcomes }) => same(String(outcomes[name] ?? 0))))),
    notes: [],
  };
}
