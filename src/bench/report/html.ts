/** One HTML file that needs nothing else: both languages, charts, and the raw data. */
import type { Results } from '../results-file.ts';
import { cardsOf, measuringOf, subtitleOf, type Card } from './cards.ts';
import { chartsOf } from './charts.ts';
import { headlineOf } from './headline.ts';
import type { Table } from './cells.ts';
import { tablesOf } from './tables.ts';
import { both, type Text } from './texts.ts';
import { warningsOf } from './warnings.ts';

const style = `
:root{--ink:#1a2233;--soft:#5b6578;--line:#d9dfe8;--head:#f2f5fa;--accent:#2457c5}
body{font:15px/1.55 system-ui,"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif;max-width:1080px;margin:0 auto;padding:20px 20px 60px;color:var(--ink);background:#fff}
h1{font-size:26px;margin:.2em 0 .1em}h2{font-size:18px;margin:38px 0 10px;padding-bottom:4px;border-bottom:2px solid var(--head)}
table{border-collapse:collapse;width:100%;font-size:13.5px}td:first-child{min-width:9em;font-weight:500}
th,td{border:1px solid var(--line);padding:6px 9px;text-align:left;vertical-align:top;overflow-wrap:anywhere}th{background:var(--head)}
tr:nth-child(even) td{background:#fbfcfe}
.warning{background:#fff4e0;border-left:5px solid #d97706;padding:8px 12px;margin:8px 0;font-weight:600}
.sub{color:var(--soft);margin:0 0 16px}.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(330px,1fr));gap:14px;margin:18px 0}
.card{border:1px solid var(--line);border-top:4px solid var(--accent);border-radius:8px;padding:12px 16px}.card:nth-child(2){border-top-color:#1a936f}.card:nth-child(3){border-top-color:#c84b31}
.card h3{margin:0;font-size:17px}.card .model{color:var(--soft);font-size:13px;margin:0 0 8px}.card dl{display:grid;grid-template-columns:repeat(3,1fr);gap:8px 12px;margin:0}
.card dt{color:var(--soft);font-size:12px}.card dd{margin:0;font-size:17px;font-weight:650;overflow-wrap:anywhere}.card dd small{font-weight:400;font-size:11.5px;color:var(--soft)}
.headline{margin:0;padding-left:20px}.headline li{margin:3px 0}
figure{margin:0}figure h2{border:0;font-size:15px;margin:22px 0 4px}.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(460px,1fr));gap:0 24px}
.chart{height:290px}.note{color:var(--soft);font-size:13px}nav{float:right}button,a.button{font:inherit;font-size:13px;padding:4px 12px;border:1px solid #aab;border-radius:5px;background:#fff;cursor:pointer;color:inherit;text-decoration:none}
html[lang=zh] [data-l=en],html[lang=en] [data-l=zh]{display:none}.scroll{overflow-x:auto}
@page{size:A4;margin:14mm 12mm}
@media print{nav{display:none}body{max-width:none;padding:0;font-size:11.5px}table{font-size:10.5px}h2{break-after:avoid}figure,tr,.card{break-inside:avoid}
.charts{display:block}.cards{grid-template-columns:1fr 1fr}.card dd{font-size:13px}.chart{height:auto}.chart>div{width:100%!important;height:auto!important}.chart svg{position:static!important;display:block;width:100%!important;height:auto!important}table{width:calc(100% - 2px)}.scroll{overflow:visible}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}`;

const script = `
const data = JSON.parse(document.getElementById('charts').textContent);
const charts = data.map((option, index) => { const chart = echarts.init(document.getElementById('chart-' + index), null, { renderer: 'svg' }); chart.setOption(option); return chart; });
// A drawing with a view box scales with the paper; one without is cut off.
const fit = () => document.querySelectorAll('.chart svg').forEach((drawing) => { const { width, height } = drawing.getBoundingClientRect(); if (width > 0) drawing.setAttribute('viewBox', '0 0 ' + width + ' ' + height); const box = drawing.parentElement; box.style.width = box.style.height = ''; });
fit();
addEventListener('resize', () => { charts.forEach((chart) => chart.resize()); fit(); });
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
  const headline = headlineOf(results);
  return `<!doctype html>
<html lang="zh"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<title>${escapeHtml(title.zh)} · ${escapeHtml(title.en)}</title><style>${style}</style></head><body>
<nav><button id="language">中文 / English</button> <a class="button" id="raw" download="requests.jsonl">requests.jsonl</a></nav>
<h1>${span(title)}</h1>
<p class="sub">${span(subtitleOf(results))}</p>
${warningsOf(results)
  .map((text) => `<p class="warning">⚠️ ${span(text)}</p>`)
  .join('\n')}
<div class="cards">${cardsOf(results).map(cardHtml).join('')}</div>
${headline.length === 0 ? '' : `<ul class="headline">${headline.map((line) => `<li>${span(line)}</li>`).join('')}</ul>`}
${tablesOf(results).map(tableHtml).join('\n')}
<h2>${span(both('图表', 'Charts'))}</h2><div class="charts">
${charts
  .map((chart, index) => `<figure><h2>${span(chart.title)}</h2><div class="chart" id="chart-${index}"></div></figure>`)
  .join('\n')}
</div>
<h2>${span(both('测量本身', 'The measuring itself'))}</h2>
<ul>${measuringOf(results)
    .map((text) => `<li>${escapeHtml(text)}</li>`)
    .join('')}</ul>
<script type="application/json" id="charts">${jsonInHtml(charts.map(({ option }) => option))}</script>
<script type="application/json" id="requests">${jsonInHtml(raw)}</script>
<script>${echarts.replaceAll('</script', String.raw`<\/script`)}</script><script>${script}</script></body></html>
`;
}

function cardHtml({ name, model, figures }: Card): string {
  const list = figures.map(
    ({ label, value, range }) =>
      `<div><dt>${span(label)}</dt><dd>${span(value)}${range === undefined ? '' : ` <small>${escapeHtml(range)}</small>`}</dd></div>`,
  );
  return `<div class="card"><h3>${escapeHtml(name)}</h3><p class="model">${escapeHtml(model)}</p><dl>${list.join('')}</dl></div>`;
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
