import { createRequire } from 'node:module';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { lineSchema } from '../record.ts';
import type { Results } from '../results-file.ts';
import { renderHtml } from './html.ts';
import { renderMarkdown } from './markdown.ts';

/**
 * Writes `report.html`, `report.md`, `report.zh.md` and the schema into `folder`.
 *
 * @param rawFile what goes into the page as its raw data
 */
export async function writeReport(folder: string, results: Results, rawFile: string): Promise<void> {
  const library = createRequire(import.meta.url).resolve('echarts/dist/echarts.min.js');
  const [echarts, raw] = await Promise.all([readFile(library, 'utf8'), readFile(rawFile, 'utf8')]);
  const files = {
    'report.html': renderHtml(results, echarts, raw),
    'report.md': renderMarkdown(results, 'en'),
    'report.zh.md': renderMarkdown(results, 'zh'),
    'requests.schema.json': `${JSON.stringify(z.toJSONSchema(lineSchema), null, 2)}\n`,
  };
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(path.join(folder, name), text)));
}
