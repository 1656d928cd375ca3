/** Users of an OpenAI-compatible server who all ask at once. */

export type UserResult = {
  user: number;
  status: number;
  text: string;
  firstTokenMs: number;
  totalMs: number;
  error?: string;
  isWhole: boolean;
};

/** Each asks one question of the same length and reads the stream to its end. Never rejects. */
export async function askAtOnce(
  url: string,
  users: number,
  maxTokens: number,
  key = (_user: number): string => 'EMPTY',
): Promise<UserResult[]> {
  return Promise.all(Array.from({ length: users }, (_, user) => ask(url, user, maxTokens, key(user))));
}

async function ask(url: string, user: number, maxTokens: number, key: string): Promise<UserResult> {
  const started = performance.now();
  const result: UserResult = { user, status: 0, text: '', firstTokenMs: Number.NaN, totalMs: 0, isWhole: false };
  try {
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({
        model: 'autoglm-phone-9b',
        stream: true,
        temperature: 0,
        max_tokens: maxTokens,
        messages: [{ role: 'user', content: `Write a story about the number ${100 + user}.` }],
      }),
    });
    result.status = response.status;
    const text = await readStream(response, () => (result.firstTokenMs = performance.now() - started));
    for (const line of text.split('\n').filter((each) => each.startsWith('data: '))) readLine(line.slice(6), result);
    if (!response.ok) result.error = text;
  } catch (error) {
    result.error = error instanceof Error ? error.message : String(error);
  }
  result.totalMs = performance.now() - started;
  return result;
}

function readLine(data: string, result: UserResult): void {
  if (data === '[DONE]') {
    result.isWhole = true;
    return;
  }
  const chunk = JSON.parse(data) as { error?: { code?: string }; choices?: { delta: { content?: string } }[] };
  if (chunk.error !== undefined) result.error = String(chunk.error.code);
  result.text += chunk.choices?.[0]?.delta.content ?? '';
}

async function readStream(response: Response, onFirst: () => void): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let isFirst = true;
  for await (const piece of response.body ?? []) {
    text += decoder.decode(piece as Uint8Array, { stream: true });
    if (isFirst && text.includes('"content":"') && /"content":"[^"]/.test(text)) {
      isFirst = false;
      onFirst();
    }
  }
  return text;
}

/** The slowest user's time against the fastest one's: 1 is wholly fair. */
export function unfairness(results: readonly UserResult[]): number {
  const times = results.map(({ totalMs }) => totalMs);
  return Math.max(...times) / Math.min(...times);
}
