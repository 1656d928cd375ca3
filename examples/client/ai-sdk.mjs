/**
 * `duanyun/ai-sdk`: Vercel's AI SDK with Duanyun's own options, and where the answer ran.
 *
 *   npm install ai @ai-sdk/openai-compatible
 *   DUANYUN_BASE_URL=http://127.0.0.1:8000 node examples/client/ai-sdk.mjs
 */
import { env, stdout } from 'node:process';
import { streamText } from 'ai';
import { createDuanyun, routeOf } from 'duanyun/ai-sdk';

const duanyun = createDuanyun({ baseURL: env.DUANYUN_BASE_URL, apiKey: env.DUANYUN_API_KEY });

const result = streamText({
  model: duanyun('auto'),
  prompt: 'Say hello in Chinese and in English.',
  maxOutputTokens: 60,
  providerOptions: { duanyun: { preference: 'only_on_device', enableThinking: false } },
});
for await (const text of result.textStream) stdout.write(text);
const { outputTokens } = await result.usage;
const route = routeOf(await result.providerMetadata);
stdout.write(`\nfinish: ${await result.finishReason}, ${outputTokens} tokens\n`);
if (route !== undefined) stdout.write(`ran on: ${route.target}, because ${route.reasons.join(', ')}\n`);
