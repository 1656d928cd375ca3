/** One HTML file that needs nothing else: both languages, charts, and the raw data. */
import type { Results } from '../results-file.ts';
import { chartsOf } from './charts.ts';
import { tablesOf, type Table } from './tables.ts';
import { both, type Text } from './texts.ts';
import { warningsOf } from './warnings.ts';

const style = `
body{font:15px/1.5 system-ui,"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif;max-width:1100px;margin:0 auto;padding:16px;color:#1a1f2b;background:#fff}
h1{font-size:24px}h2{font-size:18px;margin-top:36px}table{border-collapse:collapse;width:100%;font-size:13.5px}
td:first-child{min-width:9em}th,td{border:1px solid #d5dae3;padding:5px 8px;text-align:left;vertical-align:top;overflow-wrap:anywhere}th{background:#f0f3f8}
tr:nth-child(even) td{background:#fafbfd}.warning{background:#fff1d6;border-left:5px solid #d97706;padding:8px 12px;margin:8px 0;font-weight:600}
.chart{height:320px}.note{color:#56607a;font-size:13px}nav{float:right}button,a.button{font:inherit;padding:4px 12px;border:1px solid #aab;border-radius:5px;background:#fff;cursor:pointer;color:inherit;text-decoration:none}
html[lang=zh] [data-l=en],html[lang=en] [data-l=zh]{display:none}
.scroll{overflow-x:auto}@media print{nav{display:none}figure,table{break-inside:avoid}body{max-width:none}}`;

const script = `
const data = JSON.parse(document.getElementById('charts').textContent);
const charts = data.map((option, index) => { const chart = echarts.init(document.getElementById('chart-' + index), null, { renderer: 'svg' }); chart.setOption(option); return chart; });
const resize = () => charts.forEach((chart) => chart.resize());
addEventListener('resize', resize); addEventListener('beforeprint', resize);
document.getElementById('language').onclick = () => { document.documentElement.lang = document.documentElement.lang === 'zh' ? 'en' : 'zh'; };
document.getElementById('raw').onclick = (event) => { event.target.href = URL.createObjectURL(new Blob([JSON.parse(document.getElementById('requests').textContent)], { type: 'application/x-ndjson' })); };
document.documentElement.dataset.ready = 'yes';`;

/**
 * @param echarts the library's minified build
 * @param raw the text of `requests.jsonl`
 */
export function renderHtml(results: Results, echarts: string, raw: string): string {
  const charts = chartsOf(results);
  const title = both('端侧与云端性能评测', 'Device against cloud');
  const client = results.notes.filter(({ suite, value }) => suite === 'client' && value !== undefined);
  return `<!doctype html>
<html lang="zh"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<title>${escapeHtml(title.zh)} · ${escapeHtml(title.en)}</title><style>${style}</style></head><body>
<nav><button id="language">中文 / English</button> <a class="button" id="raw" download="requests.jsonl">requests.jsonl</a></nav>
<h1>${span(title)}</h1>
${warningsOf(results)
  .map((text) => `<p class="warning">⚠️ ${span(text)}</p>`)
  .join('\n')}
${tablesOf(results).map(tableHtml).join('\n')}
${charts
  .map((chart, index) => `<figure><h2>${span(chart.title)}</h2><div class="chart" id="chart-${index}"></div></figure>`)
  .join('\n')}
<h2>${span(both('测量本身', 'The measuring itself'))}</h2>
<ul>${client.map(({ text, value }) => `<li>${escapeHtml(text)}: ${value?.toFixed(3)}</li>`).join('')}</ul>
<script type="application/json" id="charts">${jsonInHtml(charts.map(({ option }) => option))}</script>
<script type="application/json" id="requests">${jsonInHtml(raw)}</script>
<script>${echarts.replaceAll('</script', String.raw`<\/script`)}</script><script>${script}</script></body></html>
`;
}

function tableHtml({ title, head, rows, notes }: Table): string {
  const cells = (row: readonly Text[], tag: string): string =>
    row.map((cell) => `<${tag}>${span(cell)}</${tag}>`).join('');
  return `<h2>${span(title)}</h2><div class="scroll"><table><thead><tr>${cells(head, 'th')}</tr></thead><tbody>${rows
    .map((row) => `<tr>${cells(row, 'td')}</tr>`)
    .join('')}</tbody></table></div>${notes.map((text) => `<p class="note">${span(text)}</p>`).join('')}`;
}

function span({ zh, en }: Text): string {
  if (zh === en) return escapeHtml(zh);
  return `<span data-l="zh" lang="zh">${escapeHtml(zh)}</span><span data-l="en" lang="en">${escapeHtml(en)}</span>`;
}

/** Names and answers come from servers: none may become markup. */
export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** JSON in which no `</script` and no `<!--` can stand. */
export function jsonInHtml(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', String.raw`\u003C`);
}
