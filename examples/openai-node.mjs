/**
 * The official OpenAI package for Node: a streamed answer, and a tool call that the model is made to make.
 *
 *   npm install openai
 *   DUANYUN_BASE_URL=http://127.0.0.1:8000/v1 node examples/openai-node.mjs
 */
import { env, stdout } from 'node:process';
import OpenAI from 'openai';

const client = new OpenAI({
  baseURL: env.DUANYUN_BASE_URL ?? 'http://127.0.0.1:8000/v1',
  apiKey: env.DUANYUN_API_KEY ?? 'EMPTY',
});

const stream = await client.chat.completions.create({
  model: 'auto',
  messages: [{ role: 'user', content: '你是谁?' }],
  max_tokens: 80,
  stream: true,
});
stdout.write('stream: ');
for await (const chunk of stream) stdout.write(chunk.choices[0]?.delta.content ?? '');
stdout.write('\n');

const answer = await client.chat.completions.create({
  model: 'auto',
  messages: [{ role: 'user', content: 'What is the weather in Beijing?' }],
  max_tokens: 100,
  temperature: 0,
  tools: [
    {
      type: 'function',
      function: {
        name: 'get_weather',
        description: 'Weather of a city now',
        parameters: {
          type: 'object',
          properties: { city: { type: 'string' } },
          required: ['city'],
          additionalProperties: false,
        },
      },
    },
  ],
  tool_choice: 'required',
});
const call = answer.choices[0]?.message.tool_calls?.[0];
stdout.write(`tool call: ${call?.function.name} ${call?.function.arguments}\n`);
