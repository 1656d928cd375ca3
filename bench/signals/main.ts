/**
 * `npm run bench:signals`: time of all signals for a request of 2,000 characters on one core.
 *
 * Prints p50, p99 and the largest time for several kinds of text. The first rounds warm the compiler up and do not count.
 */
// oxlint-disable no-restricted-imports -- measures pure functions in process, like bench/engine
import { plainRequest } from '../../src/core/plain-request.ts';
import { computeSignals } from '../../src/signals/signals.ts';

const characters = 2_000;
const warmUpRounds = 300;
const rounds = 3_000;

const chinese =
  '今天下午我们在公司的会议室里讨论了下个季度的计划,大家都觉得市场推广的预算应该再增加一些,因为去年同期的数据显示,新用户的增长主要来自线上渠道。与此同时,研发部门希望能多招三个工程师。';
const english =
  'Yesterday the team met in the main office to talk about the plan for next quarter, and most people agreed that the marketing budget should grow, because last year most new users came from online channels. ';
const sensitive =
  '我最近总是心慌,医生开了美托洛尔,我的手机是138 0013 8000,身份证11010519491231002X,住在上海市浦东新区世纪大道100号3栋502室。My salary is 84k and I owe $23,000. ';
const figures =
  '2024-03-15 12:30:45 6222 0212 3456 7890 128 192.168.1.1 39.904211, 116.407394 138001 38000 62 4 5 1 3 8 ';
const texts: Record<string, string> = { chinese, english, mixed: chinese + english, sensitive, figures };

const filled = (text: string): string => text.repeat(Math.ceil(characters / text.length)).slice(0, characters);

for (const [name, text] of Object.entries(texts)) {
  const one = plainRequest('bench', filled(text));
  const times: number[] = [];
  for (let round = -warmUpRounds; round < rounds; round++) {
    const start = performance.now();
    computeSignals(one);
    if (round >= 0) times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const at = (share: number): string => (times[Math.floor(times.length * share)] ?? Number.NaN).toFixed(3);
  console.log(`${name.padEnd(10)} p50 ${at(0.5)} ms  p99 ${at(0.99)} ms  largest ${at(0.9999)} ms`);
}
