/** What must stand above every table, because it changes what the figures mean. */
import type { Results } from '../results-file.ts';
import { both, type Text } from './texts.ts';

export function warningsOf(results: Results): Text[] {
  const { run, requests, notes, end, damagedLines } = results;
  const warnings: Text[] = [];
  if (end?.complete !== true) {
    warnings.push(
      both(
        '本报告不完整：测试在结束前被中断。',
        'INCOMPLETE: the run was stopped before its end. What was measured is shown.',
      ),
    );
  }
  if (damagedLines > 0) {
    warnings.push(
      both(`结果文件有 ${damagedLines} 行无法读取。`, `${damagedLines} lines of the results could not be read.`),
    );
  }
  warnings.push(...modelWarnings(results));
  warnings.push(...run.targets.flatMap(({ name }) => failureWarnings(results, name)), ...crowdWarnings(results));
  for (const { name } of run.targets) {
    const own = requests.filter((record) => record.target === name && record.outcome === 'ok');
    const without = own.filter(({ usage }) => usage === undefined).length;
    if (without > 0) {
      warnings.push(
        both(
          `${name}：${without} 个回答没有 usage，token 按数据块计数。`,
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
          `${name}：${bad.length} 个回答的 usage 少于收到的数据块，用量可疑。`,
          `${name}: usage of ${bad.length} answers is below the number of chunks that came; do not trust it.`,
        ),
      );
    }
  }
  warnings.push(...cutWarnings(notes));
  return warnings;
}

/** Requests that should have been answered and were not. */
function failureWarnings({ requests, notes }: Results, target: string): Text[] {
  const unsupported = new Set(
    notes.flatMap((each) => (each.target === target && each.kind === 'unsupported' ? (each.case ?? []) : [])),
  );
  const counted = requests.filter(
    (record) =>
      record.target === target &&
      !record.warmup &&
      record.outcome !== 'interrupted' &&
      !(record.suite === 'scenarios' && unsupported.has(record.case)),
  );
  const bad = counted.filter(({ outcome }) => outcome !== 'ok' && outcome !== 'not-streamed');
  if (bad.length === 0) return [];
  const kinds = [...new Set(bad.map(({ outcome }) => outcome))].map(
    (kind) => `${kind} ${bad.filter(({ outcome }) => outcome === kind).length}`,
  );
  const found = [
    both(
      `${target}：${counted.length} 个请求中有 ${bad.length} 个没有正常完成（${kinds.join(', ')}）；延迟只统计完成的请求。`,
      `${target}: ${bad.length} of ${counted.length} requests did not end well (${kinds.join(', ')}); latencies are those of the others.`,
    ),
  ];
  const last = counted.slice(-leastInARow);
  if (last.length === leastInARow && last.every(({ outcome }) => outcome === 'unreachable')) {
    const dead = both(`${target} 在测试途中停止响应。`, `${target} STOPPED ANSWERING before the end of the run.`);
    found.push(dead);
  }
  return found;
}

const leastInARow = 3;
/** The client must not be what is measured. */
const mostOverheadMs = 1;

function crowdWarnings({ notes }: Results): Text[] {
  const overhead = notes.find(({ suite, text }) => suite === 'client' && text.endsWith('p99, ms a token'))?.value;
  if (overhead === undefined || overhead <= mostOverheadMs) return [];
  const value = overhead.toFixed(1);
  return [
    both(
      `本机繁忙：客户端自身开销 p99 为每 token ${value} ms，小的差别不可信。`,
      `A CROWDED MACHINE: the client itself added ${value} ms a token at p99; do not trust small differences.`,
    ),
  ];
}

/** What was cut, in one line for each target, so that it does not bury the rest; other warnings each in its own. */
function cutWarnings(notes: Results['notes']): Text[] {
  const warnings: Text[] = [];
  const cuts = new Map<string, Map<string, Set<string>>>();
  for (const { target = '', suite, kind, text, case: name } of notes) {
    if (kind === 'warning') {
      const place = [target, suite, name].filter((part) => part !== undefined && part !== '').join(', ');
      warnings.push(both(`${place}:${text}`, `${place}: ${text}`));
    } else if (kind === 'cut') {
      const suites = cuts.get(target) ?? new Map<string, Set<string>>();
      cuts.set(target, suites);
      const cases = suites.get(suite) ?? new Set<string>();
      suites.set(suite, cases);
      // A sweep that was stopped is no lack of time: its reason stays.
      if (name !== undefined || !/time/.test(text)) cases.add(name ?? text);
    }
  }
  for (const [target, suites] of cuts) {
    const list = [...suites].map(([suite, cases]) =>
      cases.size === 0 ? suite : `${suite} (${[...cases].join(', ')})`,
    );
    warnings.push(both(`${target}：以下部分被截短：${list.join('; ')}`, `${target}: cut short: ${list.join('; ')}`));
  }
  return warnings;
}

function modelWarnings({ run, requests }: Results): Text[] {
  const models = run.targets.map(({ name, environment }) => {
    const answered = new Set(requests.filter(({ target }) => target === name).flatMap(({ model }) => model ?? []));
    const shown = [...answered].map(modelName).toSorted().join(' + ');
    return { name, shown, quantisation: environment['quantisation']?.value };
  });
  const known = models.filter(({ shown }) => shown !== '');
  const [reference] = known;
  const warnings: Text[] = [];
  if (reference !== undefined && !known.every(({ shown }) => isOneModel(shown, reference.shown))) {
    const list = models.map(({ name, shown }) => `${name}: ${shown === '' ? '?' : shown}`).join('; ');
    warnings.push(
      both(
        `两侧的模型不同（${list}）。速度与 token 数不可直接比较。`,
        `DIFFERENT MODELS (${list}). Speeds and token counts do not compare like for like.`,
      ),
    );
  }
  const formats = models.filter(({ quantisation }) => quantisation !== undefined && quantisation !== 'unavailable');
  if (new Set(formats.map(({ quantisation }) => quantisation?.toLowerCase())).size > 1) {
    const list = formats.map(({ name, quantisation }) => `${name}: ${quantisation}`).join('; ');
    warnings.push(both(`两侧的量化不同（${list}）。`, `DIFFERENT NUMBER FORMATS (${list}).`));
  }
  return warnings;
}

/** Without the folders that some servers show, and without the file's ending. */
export function modelName(id: string): string {
  const name = id.split(/[\\/]/).at(-1) ?? id;
  return name.replace(/\.gguf$/i, '');
}

/** `qwen2.5-coder-1.5b` and `qwen2.5-coder-1.5b-instruct-q4_k_m` are one model under two names. */
function isOneModel(a: string, b: string): boolean {
  const [short = '', long = ''] = [a.toLowerCase(), b.toLowerCase()].toSorted((x, y) => x.length - y.length);
  const plain = (name: string): string =>
    name.replace(/[-_.](?:instruct|chat|it|i?q\d\w*|f16|bf16|fp16)(?=$|[-_.])/g, '');
  return short === long || plain(short) === plain(long);
}
