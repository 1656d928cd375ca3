/**
 * Questions to servers, for scripts. Exit code 0: yes.
 *   probe.mjs port HOST PORT             can this port be listened on?
 *   probe.mjs health URL                 does /health answer 200?
 *   probe.mjs wait URL                   waits until it does
 *   probe.mjs generate URL MODEL         asks the model until it answers; prints tokens, seconds and the answer
 * A key for `generate` is read from DUANYUN_PROBE_KEY.
 */
import { createServer } from 'node:net';

const [action, target = '', argument = ''] = process.argv.slice(2);
const healthLimitMs = 10_000;
const pauseMs = 1000;

switch (action) {
  case 'port':
    process.exit((await canListen(target, Number(argument))) ? 0 : 1);
    break;
  case 'health':
    process.exit((await isHealthy(target)) ? 0 : 1);
    break;
  case 'wait':
    while (!(await isHealthy(target))) await pause();
    break;
  case 'generate':
    await generateUntilItWorks(target, argument);
    break;
  default:
    process.stderr.write(`probe.mjs does not know ${action}\n`);
    process.exit(2);
}

function canListen(host, port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host, port }, () => server.close(() => resolve(true)));
  });
}

async function isHealthy(url) {
  try {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(healthLimitMs) });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}

async function generateUntilItWorks(url, model) {
  // The server looks at the model behind it now and then: asked earlier it refuses, and its log looks like trouble.
  while (!(await isHealthy(url))) await pause();
  let said = '';
  for (;;) {
    const started = performance.now();
    const answer = await generate(url, model);
    if (answer.text !== undefined) {
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      process.stdout.write(`${answer.tokens} tokens in ${seconds} s\t${JSON.stringify(answer.text.slice(0, 60))}\n`);
      return;
    }
    if (answer.problem !== said) process.stderr.write(`${answer.problem}\n`);
    said = answer.problem;
    if (answer.isFinal) process.exit(1);
    await pause();
  }
}

/** One short answer. Nothing but text that a model made counts: a thinking model may only get to think in so few tokens. */
async function generate(url, model) {
  const key = process.env.DUANYUN_PROBE_KEY ?? '';
  try {
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key === '' ? {} : { authorization: `Bearer ${key}` }) },
      body: JSON.stringify({
        model,
        messages: [{ role: 'user', content: '你是谁?' }],
        max_tokens: 16,
        temperature: 0,
        return_reasoning: true,
      }),
      signal: AbortSignal.timeout(600_000),
    });
    const body = await response.json();
    const message = body.choices?.[0]?.message;
    const text = `${message?.reasoning_content ?? message?.reasoning ?? ''}${message?.content ?? ''}`;
    if (response.ok && text.trim() !== '') return { text, tokens: body.usage?.completion_tokens ?? '?' };
    const problem = `${response.status} ${body.error?.code ?? ''} ${body.error?.message ?? 'an empty answer'}`;
    // A wrong key or name will not become right by waiting.
    return { problem, isFinal: [400, 401, 403, 404].includes(response.status) };
  } catch (error) {
    return {
      problem: error instanceof Error ? (error.cause?.message ?? error.message) : String(error),
      isFinal: false,
    };
  }
}

function pause() {
  return new Promise((resolve) => {
    setTimeout(resolve, pauseMs);
  });
}
