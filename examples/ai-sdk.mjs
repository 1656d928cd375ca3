/**
 * Vercel's AI SDK.
 *
 *   npm install ai @ai-sdk/openai-compatible
 *   DUANYUN_BASE_URL=http://127.0.0.1:8000/v1 node examples/ai-sdk.mjs
 */
import { env, stdout } from 'node:process';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { streamText } from 'ai';

const duanyun = createOpenAICompatible({
  name: 'duanyun',
  baseURL: env.DUANYUN_BASE_URL ?? 'http://127.0.0.1:8000/v1',
  apiKey: env.DUANYUN_API_KEY ?? 'EMPTY',
  includeUsage: true,
});

const result = streamText({
  model: duanyun('auto'),
  prompt: 'Say hello in Chinese and in English.',
  maxOutputTokens: 60,
});
stdout.write('stream: ');
for await (const text of result.textStream) stdout.write(text);
const { inputTokens, outputTokens } = await result.usage;
stdout.write(`\nfinish: ${await result.finishReason}, usage: ${inputTokens} + ${outputTokens} tokens\n`);
