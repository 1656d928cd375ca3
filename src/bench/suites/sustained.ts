/** The same request back to back: what heat, memory and time do to the speed. */
import { note, sendPatiently, type Suite } from './suite.ts';

const suite = 'sustained';

export const sustainedSuite: Suite = {
  name: suite,
  async run(context) {
    const runs = context.quick ? 5 : 20;
    for (let index = 1; index <= runs; index++) {
      if (context.signal.aborted) {
        note(context, suite, 'cut', `the time was over after ${index - 1} of ${runs} runs`);
        return;
      }
      await sendPatiently(context, {
        suite,
        case: `run ${String(index).padStart(2, '0')}`,
        maxTokens: context.quick ? 32 : 128,
        messages: [{ role: 'user', content: '请写一篇介绍长江的文章,不少于三百字。' }],
      });
    }
  },
};
