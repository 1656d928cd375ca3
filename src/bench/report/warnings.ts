/** What must stand above every table, because it changes what the figures mean. */
import type { Results } from '../results-file.ts';
import { both, type Text } from './texts.ts';

export function warningsOf(results: Results): Text[] {
  const { run, requests, notes, end, damagedLines } = results;
  const warnings: Text[] = [];
  if (end?.complete !== true) {
    warnings.push(
      both(
        '本报告不完整:测试在结束前被中断。',
        'INCOMPLETE: the run was stopped before its end. What was measured is shown.',
      ),
    );
  }
  if (damagedLines > 0) {
    warnings.push(
      both(`结果文件有 ${damagedLines} 行无法读取。`, `${damagedLines} lines of the results could not be read.`),
    );
  }
  const models = run.targets.map(({ name }) => {
    const answered = new Set(requests.filter(({ target }) => target === name).flatMap(({ model }) => model ?? []));
    return { name, models: [...answered].toSorted().join(' + ') };
  });
  if (new Set(models.filter((each) => each.models !== '').map((each) => each.models)).size > 1) {
    const list = models.map((each) => `${each.name}: ${each.models === '' ? '?' : each.models}`).join('; ');
    warnings.push(
      both(
        `两侧的模型不同(${list})。速度与 token 数不可直接比较。`,
        `DIFFERENT MODELS (${list}). Speeds and token counts do not compare like for like.`,
      ),
    );
  }
  for (const { name } of run.targets) {
    const own = requests.filter((record) => record.target === name && record.outcome === 'ok');
    const without = own.filter(({ usage }) => usage === undefined).length;
    if (without > 0) {
      warnings.push(
        both(
          `${name}:${without} 个回答没有 usage,token 按数据块计数。`,
          `${name}: ${without} answers came without usage; chunks were counted as tokens.`,
        ),
      );
    }
    if (requests.some((record) => record.target === name && record.outcome === 'not-streamed')) {
      warnings.push(both(`${name} 忽略了 stream。`, `${name} ignored "stream": it has no time to first token.`));
    }
    const bad = own.filter(
      ({ usage, chunks }) => usage !== undefined && usage.completionTokens * 1.5 + 2 < chunks.length,
    );
    if (bad.length > 0) {
      warnings.push(
        both(
          `${name}:${bad.length} 个回答的 usage 少于收到的数据块,用量可疑。`,
          `${name}: usage of ${bad.length} answers is below the number of chunks that came; do not trust it.`,
        ),
      );
    }
  }
  for (const { target, suite, kind, text, case: name } of notes) {
    if (kind !== 'cut' && kind !== 'warning') continue;
    const line = [target, suite, name].filter((part) => part !== undefined).join(', ');
    warnings.push(both(`${line}:${text}`, `${line}: ${text}`));
  }
  return warnings;
}
