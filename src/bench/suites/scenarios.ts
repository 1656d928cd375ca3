/** The reference document's three tasks and three more, each cold and warm. */
import type { ChatCall } from '../client/load-client.ts';
import { longDocument, meeting } from './texts.ts';
import { note, sendPatiently, type Suite, type SuiteContext } from './suite.ts';

const suite = 'scenarios';
type Part = Record<string, unknown>;
type Scenario = {
  name: string;
  maxTokens: number;
  quickTokens: number;
  /** A text says why it is not measured. */
  content(context: SuiteContext): Part[] | string;
  /** The least of its kind: without real material it still shows whether the target can do it at all. */
  probe?: Part[];
};

/** One grey pixel. */
const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==';

/** A tenth of a second of silence, 8 kHz mono, 16 bit. */
function silence(): string {
  const sampleBytes = 1600;
  const wav = Buffer.alloc(44 + sampleBytes);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(36 + sampleBytes, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(8000, 24);
  wav.writeUInt32LE(16_000, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(sampleBytes, 40);
  return wav.toString('base64');
}

const text = (value: string): Part => ({ type: 'text', text: value });

export const scenarios: readonly Scenario[] = [
  { name: 'text-question', maxTokens: 128, quickTokens: 48, content: () => [text('解释牛顿第一定律')] },
  {
    name: 'picture-description',
    maxTokens: 128,
    quickTokens: 48,
    content: ({ pictureUrl }) =>
      pictureUrl === undefined
        ? 'no picture was given: --picture FILE'
        : [{ type: 'image_url', image_url: { url: pictureUrl } }, text('请描述这张图片。')],
    probe: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${pixel}` } }, text('?')],
  },
  {
    name: 'spoken-question',
    maxTokens: 128,
    quickTokens: 48,
    content: ({ audioBase64 }) =>
      audioBase64 === undefined
        ? 'no recording of the question was given: --audio FILE'
        : [{ type: 'input_audio', input_audio: { data: audioBase64, format: 'wav' } }],
    probe: [{ type: 'input_audio', input_audio: { data: silence(), format: 'wav' } }],
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

export const scenarioSuite: Suite = {
  name: suite,
  async run(context) {
    const warmRuns = context.quick ? 3 : 10;
    for (const scenario of scenarios) {
      if (context.signal.aborted) {
        note(context, suite, 'cut', 'the time was over before this scenario', { case: scenario.name });
        continue;
      }
      await runScenario(context, scenario, warmRuns);
    }
  },
};

async function runScenario(context: SuiteContext, scenario: Scenario, warmRuns: number): Promise<void> {
  const content = scenario.content(context);
  if (typeof content === 'string') {
    const refusal = await refusalOf(context, scenario);
    if (refusal === undefined) note(context, suite, 'not-measured', content, { case: scenario.name });
    else note(context, suite, 'unsupported', refusal, { case: scenario.name });
    return;
  }
  // Never seen before, and the same for the warm runs: their prefix can be reused, the first one's cannot.
  const nonce = `Session ${context.seed}-${Math.random().toString(36).slice(2)}. Answer helpfully.`;
  const call = (cold: boolean): ChatCall => ({
    suite,
    case: scenario.name,
    cold,
    maxTokens: context.quick ? scenario.quickTokens : scenario.maxTokens,
    messages: [
      { role: 'system', content: nonce },
      { role: 'user', content },
    ],
  });
  const first = await sendPatiently(context, call(true));
  if (first.outcome === 'refused') {
    note(context, suite, 'unsupported', first.detail ?? `status ${first.status}`, { case: scenario.name });
    return;
  }
  for (let index = 0; index < warmRuns && !context.signal.aborted; index++) await sendPatiently(context, call(false));
}

/** Why the target does not take this kind of input; `undefined` where it does, or where that cannot be told. */
async function refusalOf(context: SuiteContext, { name, probe }: Scenario): Promise<string | undefined> {
  if (probe === undefined) return undefined;
  const messages = [{ role: 'user', content: probe }];
  const record = await sendPatiently(context, { suite, case: name, warmup: true, maxTokens: 1, messages });
  return record.outcome === 'refused' ? (record.detail ?? `status ${record.status}`) : undefined;
}
