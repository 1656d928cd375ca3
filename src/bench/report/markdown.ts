import type { Results } from '../results-file.ts';
import { measuringOf, subtitleOf } from './cards.ts';
import { headlineOf } from './headline.ts';
import { tablesOf } from './tables.ts';
import type { Language } from './texts.ts';
import { warningsOf } from './warnings.ts';

/** The report for a README. */
export function renderMarkdown(results: Results, language: Language): string {
  const title = language === 'zh' ? '# 端侧与云端性能评测' : '# Device against cloud';
  const warnings = warningsOf(results).map((text) => `> ⚠️ ${text[language]}\n`);
  const figures = measuringOf(results).map(
    (text) => `- ${text}
`,
  );
  const headline = headlineOf(results).map(
    (text) => `- ${text[language]}
`,
  );
  const tables = tablesOf(results).map((table) => {
    const line = (cells: readonly string[]): string => `| ${cells.map(escapeCell).join(' | ')} |\n`;
    const inLanguage = (row: { zh: string; en: string }[]): string[] => row.map((cell) => cell[language]);
    const notes = table.notes.map((text) => `\n${text[language]}\n`).join('');
    return `## ${table.title[language]}\n\n${line(inLanguage(table.head))}${line(table.head.map(() => '---'))}${table.rows
      .map((row) => line(inLanguage(row)))
      .join('')}${notes}`;
  });
  return `${[title, subtitleOf(results)[language], ...warnings, headline.join(''), ...tables].join('\n\n')}\n\n${figures.join('')}`;
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ').replaceAll('<', '&lt;');
}
