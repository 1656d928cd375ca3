/**
 * Vercel's AI SDK.
 *
 *   npm install ai @ai-sdk/openai-compatible
 *   DUANYUN_BASE_URL=http://127.0.0.1:8000/v1 node examples/ai-sdk.mjs
 */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { streamText } from 'ai';

const duanyun = createOpenAICompatible({
  name: 'duanyun',
  baseURL: process.env.DUANYUN_BASE_URL ?? 'http://127.0.0.1:8000/v1',
  apiKey: process.env.DUANYUN_API_KEY ?? 'EMPTY',
  includeUsage: true,
});

const result = streamText({
  model: duanyun('auto'),
  prompt: 'Say hello in Chinese and in English.',
  maxOutputTokens: 60,
});
process.stdout.write('stream: ');
for await (const text of result.textStream) process.stdout.write(text);
const { inputTokens, outputTokens } = await result.usage;
console.log(`\nfinish: ${await result.finishReason}, usage: ${inputTokens} + ${outputTokens} tokens`);
