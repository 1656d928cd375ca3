import { InvalidArgumentError, Option, type Command } from 'commander';
import {
  advise,
  breakEven,
  pricePerMillion,
  type Advice,
  type BreakEven,
  type Figures,
} from '../../bench/advise/advise.ts';
import { documentFigures, measuredFigures } from '../../bench/advise/figures.ts';
import { readResults } from '../../bench/results-file.ts';
import { UsageError } from '../report-error.ts';
import type { CommandContext } from '../run-command.ts';

type AdviseFlags = {
  privacy: string;
  offline?: true;
  interactive?: true;
  personalised?: true;
  users?: number;
  tasks?: string;
  updates?: string;
  deviceMemory?: number;
  firstTokenMs?: number;
  budget?: number;
  deviceCost?: number;
  deviceRequestCost: number;
  cloudPrice?: number;
  cloudHourPrice?: number;
  requestTokens: number;
  requestsPerDay?: number;
  figures?: string;
  language: 'zh' | 'en';
  json?: true;
};

const complexTasks = ['long-document', 'reasoning', 'code'];

export function addAdviseCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('advise')
    .description('Device, cloud or both, for what you need and what was measured.')
    .addOption(
      new Option('--privacy <which>', 'Which requests are sensitive.').choices(['all', 'some', 'none']).default('none'),
    )
    .option('--offline', 'It must work without a network.')
    .option('--interactive', 'People wait for each word.')
    .option('--personalised', 'Each user has a tuned model.')
    .option('--users <number>', 'People at once on one device or one cloud.', amount)
    .option('--tasks <names>', `Separated by commas; ${complexTasks.join(', ')} count as complex.`)
    .addOption(new Option('--updates <often>', 'How often the model changes.').choices(['rare', 'monthly', 'weekly']))
    .option('--device-memory <GiB>', 'Memory that the device can give.', amount)
    .option('--first-token-ms <ms>', 'Longest wait for the first token.', amount)
    .option('--budget <money>', 'For the cloud, a month.', amount)
    .option('--device-cost <money>', 'Once, for each device.', amount)
    .option('--device-request-cost <money>', 'Energy and upkeep of one request.', amount, 0)
    .option('--cloud-price <money>', 'For a million tokens.', amount)
    .option(
      '--cloud-hour-price <money>',
      'For an hour of a server of your own; its speed comes from --figures. Instead of --cloud-price.',
      amount,
    )
    .option('--request-tokens <number>', 'Prompt and answer of one request.', amount, 1000)
    .option('--requests-per-day <number>', 'In all.', amount)
    .option('--figures <file>', 'requests.jsonl of `duanyun bench`. Without it: what the reference document states.')
    .addOption(new Option('--language <language>', 'Of the answer.').choices(['zh', 'en']).default('en'))
    .option('--json', 'Print JSON.')
    .action(async () => {
      const flags = command.opts<AdviseFlags>();
      const file = flags.figures;
      const figures: Figures =
        file === undefined ? { ...documentFigures } : measuredFigures(await readResults(file), file);
      const { deviceCost, requestsPerDay } = flags;
      const cloudPrice = cloudPriceOf(flags, figures);
      const costs =
        cloudPrice === undefined
          ? undefined
          : breakEven({
              deviceOnce: deviceCost ?? 0,
              devicePerRequest: flags.deviceRequestCost,
              cloudPerMillionTokens: cloudPrice,
              tokensPerRequest: flags.requestTokens,
              requestsPerDay: requestsPerDay ?? 0,
            });
      if (costs !== undefined && requestsPerDay !== undefined) {
        figures['cloud.monthlyCost'] = { value: costs.cloudMonthly, from: 'price × tokens × requests' };
      }
      const advice = advise(requirementsOf(flags), figures);
      context.terminal.out(
        flags.json ? `${JSON.stringify({ ...advice, costs }, null, 2)}\n` : render(advice, costs, flags, deviceCost),
      );
    });
}

function cloudPriceOf({ cloudPrice, cloudHourPrice }: AdviseFlags, figures: Figures): number | undefined {
  if (cloudHourPrice === undefined || cloudPrice !== undefined) return cloudPrice;
  const throughput = figures['cloud.throughput'];
  if (throughput === undefined || throughput.value <= 0) {
    throw new UsageError('--cloud-hour-price needs --figures with a load suite of a second target');
  }
  return pricePerMillion(cloudHourPrice, throughput.value);
}

function requirementsOf(flags: AdviseFlags) {
  const tasks = (flags.tasks ?? '').split(',').map((task) => task.trim());
  const { privacy, offline, interactive, personalised, users, updates, deviceMemory, firstTokenMs, budget } = flags;
  const given = {
    privacy,
    offline,
    interactive,
    personalised,
    users,
    updates,
    deviceMemoryGib: deviceMemory,
    firstTokenMs,
    budget,
    complexTasks: tasks.filter((task) => complexTasks.includes(task)).length,
  };
  return Object.fromEntries(Object.entries(given).filter((entry) => entry[1] !== undefined));
}

const choices = {
  zh: { device: '端侧', cloud: '云端', hybrid: '端云混合', none: '没有可行方案：要求互相矛盾' },
  en: {
    device: 'device',
    cloud: 'cloud',
    hybrid: 'hybrid',
    none: 'nothing fits: the requirements contradict each other',
  },
};

function render(advice: Advice, costs: BreakEven | undefined, { language }: AdviseFlags, once?: number): string {
  const isChinese = language === 'zh';
  const lines = [`${isChinese ? '建议：' : 'Advice: '}${choices[language][advice.choice]}`];
  for (const { rule, says, text, numbers } of advice.reasons) {
    lines.push(`- [${says}] ${text[language]} (${rule})${numbers === undefined ? '' : `: ${numbers}`}`);
  }
  if (advice.reasons.length === 0) {
    lines.push(
      isChinese
        ? '- 没有决定性的要求，默认端侧为主、云端为辅'
        : '- nothing decides: device first, cloud beside it, is the default',
    );
  }
  for (const { rule, figure } of advice.unknown) {
    lines.push(
      isChinese
        ? `- 未判断 ${rule}：没有 ${figure} 的数据`
        : `- not judged: ${rule}, because ${figure} was not measured`,
    );
  }
  if (costs !== undefined && once !== undefined) {
    const { requests, days } = costs;
    const when = requests === undefined ? (isChinese ? '永不' : 'never') : `${requests}`;
    lines.push(
      isChinese
        ? `盈亏平衡：${when} 次请求${days === undefined ? '' : `（${days.toFixed(0)} 天）`}`
        : `Break-even after requests: ${when}${days === undefined ? '' : ` (${days.toFixed(0)} days)`}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

function amount(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('Expected a number, 0 or more.');
}
