/** The few figures of each target that stand on top, the line under the title, and what is said of the measuring itself. */
import { metricsOf } from '../metrics/request-metrics.ts';
import { distribution, type Distribution } from '../metrics/summary.ts';
import type { Results } from '../results-file.ts';
import { requestsOf } from './cells.ts';
import { memoryPeakOf } from './metric-table.ts';
import { both, same, type Text } from './texts.ts';
import { usersOf } from './users.ts';
import { modelName } from './warnings.ts';

export type Card = {
  name: string;
  model: string;
  figures: { label: Text; value: Text; range?: string }[];
};

export function cardsOf(results: Results): Card[] {
  return results.run.targets.map(({ name, kind, model }) => {
    const warm = requestsOf(results, name, 'scenarios').filter(
      ({ outcome, cold }) => outcome === 'ok' && cold === false,
    );
    const answeredBy = warm.find((record) => record.model !== undefined)?.model ?? model;
    const question = warm.filter((record) => record.case === 'text-question');
    const judged = requestsOf(results, name, 'quality').filter(({ correct }) => correct !== undefined);
    const peak = memoryPeakOf(results, name);
    return {
      name,
      model: `${kind} · ${modelName(answeredBy)}`,
      figures: [
        figure(
          both('首个 token，热', 'First token, warm'),
          distribution(warm.flatMap((each) => metricsOf(each).ttftMs ?? [])),
          'ms',
          0,
        ),
        figure(
          both('生成速度', 'Writes'),
          distribution(warm.flatMap((each) => metricsOf(each).tokensPerSecond ?? [])),
          'tok/s',
          1,
        ),
        figure(
          both('解释牛顿第一定律', 'Newton’s first law'),
          distribution(question.map(({ endMs }) => endMs / 1000)),
          's',
          1,
        ),
        { label: both('限值内并发', 'Users within limits'), value: usersOf(results, name) },
        {
          label: both('内存峰值', 'Memory at peak'),
          value: peak === undefined ? same('–') : same(`${(peak / 1024 ** 3).toFixed(1)} GiB`),
        },
        {
          label: both('小测正确', 'Answers right'),
          value: same(
            judged.length === 0 ? '–' : `${judged.filter(({ correct }) => correct).length} / ${judged.length}`,
          ),
        },
      ],
    };
  });
}

function figure(label: Text, value: Distribution | undefined, unit: string, digits: number): Card['figures'][number] {
  if (value === undefined) return { label, value: same('–') };
  const { interval } = value;
  return {
    label,
    value: same(`${value.mean.toFixed(digits)} ${unit}`),
    ...(interval === undefined ? {} : { range: `${interval.low.toFixed(digits)}–${interval.high.toFixed(digits)}` }),
  };
}

export function subtitleOf({ run, requests, end }: Results): Text {
  const day = run.startedAt.slice(0, 16).replace('T', ' ');
  const minutes = end === undefined ? '?' : (end.elapsedMs / 60_000).toFixed(1);
  const counted = requests.filter(({ warmup }) => !warmup).length;
  const revision = run.revision === undefined ? '' : ` (${run.revision})`;
  return both(
    `${day} UTC · ${counted} 个请求 · ${minutes} 分钟 · duanyun ${run.version}${revision}`,
    `${day} UTC · ${counted} requests · ${minutes} minutes · duanyun ${run.version}${revision}`,
  );
}

/** Lines on the client itself and on how tokens were checked. */
export function measuringOf({ notes, run }: Results): string[] {
  const lines = notes
    .filter(({ suite }) => suite === 'client' || suite === 'tokens')
    .map(({ target, text, value }) => {
      const name = target === undefined ? '' : `${target}: `;
      return value === undefined ? name + text : `${name}${text}: ${value.toFixed(3)}`;
    });
  const material = [
    ['picture', run.options['picture']],
    ['recording', run.options['recording']],
  ].flatMap(([name, from]) => (typeof from === 'string' ? [`${String(name)} sent: ${from}`] : []));
  return lines.concat(material);
}
