/**
 * Asks every question of two OpenAI-compatible servers and keeps the answers, several at a time, and goes on where it was
 * interrupted. Greedy, so that an answer does not depend on luck; without a seed, because seeded requests are computed one
 * by one: where two tokens are as likely as each other up to rounding, what shares the batch may decide between them.
 * Times are not kept: they would be those of a batch. `speed.ts` measures the two servers' pace one request at a time.
 */
import {
  addRecorded,
  loadQuestions,
  loadRecorded,
  packRecorded,
  type Question,
  type Recorded,
  type Side,
} from './questions.ts';

export type RecordOptions = { side: Side; url: string; model: string; limit: number; atOnce: number };

/** Tokens of an answer at most, by task: several times what a right answer takes. */
const maxTokens: Record<string, number> = {
  chat: 120,
  question: 60,
  translation: 120,
  extraction: 120,
  summary: 220,
  minutes: 220,
  mathematics: 300,
  reasoning: 400,
  code: 300,
};

export async function record({ side, url, model, limit, atOnce }: RecordOptions): Promise<void> {
  const known = new Set(loadRecorded().map((each) => `${each.side} ${each.id}`));
  const open = inFairOrder(loadQuestions())
    .filter(({ id }) => !known.has(`${side} ${id}`))
    .slice(0, limit);
  const total = open.length;
  let done = 0;
  let failed = 0;
  const worker = async (): Promise<void> => {
    for (let question = open.shift(); question !== undefined; question = open.shift()) {
      try {
        addRecorded(await ask(question, side, url, model));
        done++;
      } catch (error) {
        // The next run asks it again.
        failed++;
        console.error(`${question.id}: ${error instanceof Error ? error.message : 'failed'}`);
      }
      if (done % 10 === 0 || done + failed === total) console.error(`${side}: ${done} of ${total}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  packRecorded();
  if (failed > 0) throw new Error(`${failed} of ${total} were not answered; the same command asks them again`);
}

/**
 * One of each task and language after the other, so that a recording cut short is still a sample of all; the two tasks
 * with long texts, which take as long as all others together, come a third as often.
 */
function inFairOrder(questions: Question[]): Question[] {
  const seen = new Map<string, number>();
  const placed = questions.map((question) => {
    const group = `${question.task}-${question.language}`;
    const index = seen.get(group) ?? 0;
    seen.set(group, index + 1);
    return { question, place: index * (question.task === 'summary' || question.task === 'minutes' ? 3 : 1) };
  });
  return placed.toSorted((left, right) => left.place - right.place).map(({ question }) => question);
}

async function ask(question: Question, side: Side, url: string, model: string): Promise<Recorded> {
  const { answer, usage, finish } = await askServer(url, {
    model,
    messages: [{ role: 'user', content: question.prompt }],
    temperature: 0,
    max_tokens: maxTokens[question.task] ?? 400,
  });
  const { prompt_tokens: promptTokens, completion_tokens: completionTokens } = usage;
  return { id: question.id, side, model, answer, finish, promptTokens, completionTokens };
}

export type ServerAnswer = {
  answer: string;
  finish: string;
  usage: { prompt_tokens: number; completion_tokens: number };
  /** From the request to the first text and to the end. */
  firstTokenMs: number;
  totalMs: number;
};

/** One streamed chat completion. */
export async function askServer(url: string, body: object): Promise<ServerAnswer> {
  const startedMs = performance.now();
  const response = await fetch(`${url.replace(/\/(v1\/?)?$/, '')}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...body, stream: true, stream_options: { include_usage: true } }),
  });
  if (!response.ok || response.body === null) throw new Error(`status ${response.status}`);
  let answer = '';
  let finish = '';
  let firstTokenMs = 0;
  let usage = { prompt_tokens: 0, completion_tokens: 0 };
  for await (const data of dataOf(response.body)) {
    const chunk = JSON.parse(data) as {
      choices?: { delta?: { content?: string }; finish_reason?: string | null }[];
      usage?: typeof usage | null;
      error?: object;
    };
    if (chunk.error !== undefined) throw new Error(JSON.stringify(chunk.error));
    const text = chunk.choices?.[0]?.delta?.content ?? '';
    if (text !== '' && firstTokenMs === 0) firstTokenMs = performance.now() - startedMs;
    answer += text;
    finish = chunk.choices?.[0]?.finish_reason ?? finish;
    usage = chunk.usage ?? usage;
  }
  if (finish === '') throw new Error('the stream ended without a finish');
  return { answer, finish, usage, firstTokenMs, totalMs: performance.now() - startedMs };
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
