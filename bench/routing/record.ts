/**
 * Asks every question of two OpenAI-compatible servers and keeps the answers. Goes on where it was interrupted.
 * `npm run bench:routing -- record --device URL MODEL --cloud URL MODEL`; either side may be left out.
 */
import { addRecorded, loadQuestions, loadRecorded, type Question, type Recorded, type Side } from './questions.ts';

export type RecordOptions = { side: Side; url: string; model: string; limit: number };

const maxTokens = 400;

export async function record({ side, url, model, limit }: RecordOptions): Promise<void> {
  const known = new Set(loadRecorded().map((each) => `${each.side} ${each.id}`));
  const open = loadQuestions().filter(({ id }) => !known.has(`${side} ${id}`));
  for (const [index, question] of open.slice(0, limit).entries()) {
    addRecorded(await ask(question, side, url, model));
    if (index % 10 === 9) console.error(`${side}: ${index + 1} of ${Math.min(limit, open.length)}`);
  }
}

async function ask(question: Question, side: Side, url: string, model: string): Promise<Recorded> {
  const startedMs = performance.now();
  const response = await fetch(`${url.replace(/\/(v1\/?)?$/, '')}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model,
      messages: [{ role: 'user', content: question.prompt }],
      temperature: 0,
      seed: 1,
      max_tokens: maxTokens,
      stream: true,
      stream_options: { include_usage: true },
    }),
  });
  if (!response.ok || response.body === null) throw new Error(`${question.id}: status ${response.status}`);
  let answer = '';
  let firstTokenMs = 0;
  let usage = { prompt_tokens: 0, completion_tokens: 0 };
  for await (const data of dataOf(response.body)) {
    const chunk = JSON.parse(data) as {
      choices?: { delta?: { content?: string } }[];
      usage?: typeof usage | null;
      error?: object;
    };
    if (chunk.error !== undefined) throw new Error(`${question.id}: ${JSON.stringify(chunk.error)}`);
    const text = chunk.choices?.[0]?.delta?.content ?? '';
    if (text !== '' && firstTokenMs === 0) firstTokenMs = performance.now() - startedMs;
    answer += text;
    usage = chunk.usage ?? usage;
  }
  return {
    id: question.id,
    side,
    model,
    answer,
    firstTokenMs: Math.round(firstTokenMs),
    totalMs: Math.round(performance.now() - startedMs),
    promptTokens: usage.prompt_tokens,
    completionTokens: usage.completion_tokens,
  };
}

async function* dataOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of body as unknown as AsyncIterable<Uint8Array>) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('data: ') && line !== 'data: [DONE]') yield line.slice(6);
  }
}
