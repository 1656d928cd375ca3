/** The reference document's three tasks and three more, each cold and warm. */
import type { ChatCall } from '../client/load-client.ts';
import type { RequestRecord } from '../record.ts';
import type { Material } from './material.ts';
import { longDocument, meeting } from './texts.ts';
import { note, sendPatiently, type Suite, type SuiteContext } from './suite.ts';

const suite = 'scenarios';
type Part = Record<string, unknown>;
type Scenario = {
  name: string;
  maxTokens: number;
  quickTokens: number;
  /** What a server may lack. */
  needs?: 'picture' | 'speech';
  content(material: Material): Part[];
};

const text = (value: string): Part => ({ type: 'text', text: value });

export const scenarios: readonly Scenario[] = [
  { name: 'text-question', maxTokens: 128, quickTokens: 48, content: () => [text('解释牛顿第一定律')] },
  {
    name: 'picture-description',
    maxTokens: 128,
    quickTokens: 48,
    needs: 'picture',
    content: ({ pictureUrl }) => [{ type: 'image_url', image_url: { url: pictureUrl } }, text('请描述这张图片。')],
  },
  {
    name: 'spoken-question',
    maxTokens: 128,
    quickTokens: 48,
    needs: 'speech',
    content: ({ audioBase64 }) => [{ type: 'input_audio', input_audio: { data: audioBase64, format: 'wav' } }],
  },
  {
    name: 'long-document',
    maxTokens: 160,
    quickTokens: 48,
    content: () => [text(`${longDocument}\n\n请用三句话总结上面的报告。`)],
  },
  {
    name: 'code',
    maxTokens: 160,
    quickTokens: 48,
    content: () => [text('用 Python 写一个函数,判断一个整数是不是质数,并附上两个测试。')],
  },
  {
    name: 'meeting-minutes',
    maxTokens: 160,
    quickTokens: 48,
    content: () => [text(`${meeting}\n\n请整理会议纪要:决定、负责人、期限。`)],
  },
];

/**
 * First every scenario cold and once warm, then the other warm runs in rounds: where the time is short, each has figures, and
 * a disturbance of a few seconds does not fall on one scenario alone.
 */
export const scenarioSuite: Suite = {
  name: suite,
  async run(context) {
    const warmRuns = context.quick ? 3 : 10;
    const nonce = `Session ${context.seed}-${Math.random().toString(36).slice(2)}`;
    const running: Scenario[] = [];
    for (const scenario of scenarios) {
      if (context.signal.aborted)
        note(context, suite, 'cut', 'the time was over before this scenario', { case: scenario.name });
      else if (await firstRuns(context, scenario, nonce)) running.push(scenario);
    }
    for (let round = 1; round < warmRuns; round++) {
      for (const scenario of running) {
        if (context.signal.aborted) return;
        await sendPatiently(context, callOf(context, scenario, nonce, false));
      }
    }
  },
};

function callOf(context: SuiteContext, scenario: Scenario, nonce: string, cold: boolean): ChatCall {
  const { material, quick } = context;
  return {
    suite,
    case: scenario.name,
    cold,
    maxTokens: quick ? scenario.quickTokens : scenario.maxTokens,
    keepText: true,
    messages: [
      // Never seen before, and the same for the warm runs: their prefix can be reused, the first one's cannot.
      { role: 'system', content: `${nonce}-${scenario.name}. Answer helpfully.` },
      { role: 'user', content: scenario.content(material) },
    ],
  };
}

/** @returns whether the target can do it */
async function firstRuns(context: SuiteContext, scenario: Scenario, nonce: string): Promise<boolean> {
  const cold = await sendPatiently(context, callOf(context, scenario, nonce, true));
  if (context.signal.aborted) return false;
  const refusal = refusalOf(cold, scenario);
  if (refusal !== undefined) {
    note(context, suite, 'unsupported', refusal, { case: scenario.name });
    return false;
  }
  if (scenario.needs === 'picture') warnIfIgnored(context, cold, scenario.name);
  await sendPatiently(context, callOf(context, scenario, nonce, false));
  return true;
}

/** Why the target does not take this kind of input; `undefined` where it does, or where that cannot be told. */
export function refusalOf(
  { outcome, detail, status }: RequestRecord,
  { needs }: Pick<Scenario, 'needs'>,
): string | undefined {
  if (outcome === 'refused') return detail ?? `status ${status}`;
  // Some servers answer 500 for what they were not built or started with.
  const isLack =
    needs !== undefined && outcome === 'server-error' && /support|mmproj|image|audio|multimodal/i.test(detail ?? '');
  return isLack ? (detail ?? `status ${status}`) : undefined;
}

/** The least that a vision model makes of a picture of this size, and the question. */
const leastPictureTokens = 80;

/** Some servers drop what they do not know and answer all the same. */
function warnIfIgnored(context: SuiteContext, { usage, outcome }: RequestRecord, name: string): void {
  if (outcome !== 'ok' || usage === undefined || usage.promptTokens >= leastPictureTokens) return;
  const told = `the prompt is said to hold ${usage.promptTokens} tokens: too few for a picture, which may have been ignored`;
  note(context, suite, 'warning', told, { case: name });
}
