/**
 * `duanyun/client` in Node: a streamed answer, where it ran and why, and its receipt.
 *
 *   node examples/client/node.mjs                # in a clone that was started once
 *   DUANYUN_BASE_URL=http://127.0.0.1:8000 DUANYUN_API_KEY=… node examples/client/node.mjs "你是谁?"
 */
import process, { argv, env, stderr, stdout } from 'node:process';
import { DuanyunClient, DuanyunClientError } from 'duanyun/client';

const client = new DuanyunClient({ baseUrl: env.DUANYUN_BASE_URL, apiKey: env.DUANYUN_API_KEY });
try {
  const stream = client.stream({
    messages: [{ role: 'user', content: argv[2] ?? 'What is the capital of France?' }],
    max_tokens: 80,
    duanyun: { preference: 'prefer_on_device' },
  });
  for await (const event of stream) {
    if (event.type === 'waiting') stderr.write(`waiting: ${event.reason}\n`);
    if (event.type === 'text-delta') stdout.write(event.text);
  }
  const { model, route, usage } = await stream.answer();
  stdout.write(`\nanswered by ${model}, ${usage?.completionTokens} tokens\n`);
  if (route !== undefined) {
    const { bytesLeft } = await client.receipt(route.receiptId);
    stdout.write(`ran on: ${route.target}, because ${route.reasons.join(', ')}; ${bytesLeft} bytes left\n`);
  }
} catch (error) {
  if (!(error instanceof DuanyunClientError)) throw error;
  stderr.write(`${error.code}: ${error.message}\n`);
  process.exitCode = 1;
}
