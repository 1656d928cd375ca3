/** Asks what stands in long documents, with all of the cache and with parts of it. */
import { randomUUID } from 'node:crypto';
import type { CacheWishes, ChatMessage } from '../../src/core/chat.ts';
import { plainChat, plainRequest } from '../../src/core/plain-request.ts';
import type { EngineBackend } from '../../src/engine/engine-backend.ts';
import { longDocument, scoreOf, type FoundTask, type Question } from './documents.ts';

export const policies = ['window', 'key-norm', 'key-diff', 'attention'] as const;
export type BenchPolicy = (typeof policies)[number];
export const removedShares = [0.5, 0.75, 0.875] as const;

/**
 * `warm`: the document is in the cache, as for a second question, and is made smaller once. `cold`: the prompt is computed within its budget
 * from the first token. `later`: the document was made smaller for another question, a turn before.
 */
export type Mode = 'full' | 'warm' | 'cold' | 'later';
export type Sample = { mode: Mode; policy?: BenchPolicy; removed: number; task: FoundTask; score: number };

export type RetrievalOptions = {
  backend: EngineBackend;
  modelId: string;
  documents: number;
  sentences: number;
  onProgress: (text: string) => void;
};

export async function measureRetrieval(options: RetrievalOptions): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (let serial = 0; serial < options.documents; serial++) {
    const document = longDocument(serial, options.sentences);
    const budgets: number[] = [];
    for (const [index, question] of document.questions.entries()) {
      options.onProgress(`document ${serial + 1} of ${options.documents}, question ${index + 1}`);
      const ask = (opening: string, cache?: CacheWishes) =>
        answer(options, [user(`${opening}${document.text}\n${question.text}`)], cache);
      const full = await ask('Read this text.\n');
      samples.push({ mode: 'full', removed: 0, task: question.task, score: scoreOf(full.text, question) });
      for (const removed of removedShares) {
        const budgetTokens = Math.floor(full.promptTokens * (1 - removed));
        if (index === 0) budgets.push(budgetTokens);
        for (const policy of policies) {
          const { text } = await ask('Read this text.\n', { budgetTokens, policy });
          samples.push({ mode: 'warm', policy, removed, task: question.task, score: scoreOf(text, question) });
        }
      }
      // One needle early and one late, and a question of content: each costs a whole prompt.
      if (index !== 0 && index !== 2 && index !== 5) continue;
      for (const [place, removed] of removedShares.entries()) {
        if (removed > 0.8) continue;
        const { text } = await ask(`Text ${serial}-${index}-${place}.\n`, {
          budgetTokens: Math.floor(full.promptTokens * (1 - removed)),
          policy: 'attention',
        });
        samples.push({
          mode: 'cold',
          policy: 'attention',
          removed,
          task: question.task,
          score: scoreOf(text, question),
        });
      }
    }
    samples.push(...(await askLater(options, document.text, document.questions, budgets)));
  }
  return samples;
}

/** The document is in an earlier turn that asked for something else. */
async function askLater(
  options: RetrievalOptions,
  text: string,
  questions: Question[],
  budgets: number[],
): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (const policy of ['window', 'key-diff', 'attention'] as const) {
    for (const [place, removed] of removedShares.entries()) {
      const budgetTokens = budgets[place];
      if (budgetTokens === undefined || removed > 0.8) continue;
      const cache = { budgetTokens, policy };
      const first = [user(`Read this text.\n${text}\nWhat is it about? Answer with one word.`)];
      const reply = await answer(options, first, cache, 8);
      for (const question of [questions[0], questions[2]] as Question[]) {
        const said: ChatMessage = { role: 'assistant', content: [{ type: 'text', text: reply.text }], toolCalls: [] };
        const later = await answer(options, [...first, said, user(question.text)], cache);
        samples.push({ mode: 'later', policy, removed, task: question.task, score: scoreOf(later.text, question) });
      }
    }
  }
  return samples;
}

/** Short: it is always kept, and a model's usual one would fill an eighth of the tokens by itself. */
const system: ChatMessage = {
  role: 'system',
  content: [{ type: 'text', text: 'You answer questions about a text.' }],
};

function user(text: string): ChatMessage {
  return { role: 'user', content: [{ type: 'text', text }] };
}

async function answer(
  { backend, modelId }: RetrievalOptions,
  messages: ChatMessage[],
  cache?: CacheWishes,
  maxTokens = 24,
): Promise<{ text: string; promptTokens: number }> {
  const request = plainRequest(randomUUID(), plainChat('', { messages: [system, ...messages] }), {
    model: modelId,
    sampling: { temperature: 0 },
    maxTokens,
    ...(cache === undefined ? {} : { cache }),
  });
  let text = '';
  let promptTokens = 0;
  for await (const event of backend.stream(request, { signal: AbortSignal.timeout(600_000) })) {
    if (event.type === 'text-delta') text += event.text;
    else if (event.type === 'usage') ({ promptTokens } = event.usage);
    else if (event.type === 'error') throw new Error(event.message);
  }
  return { text, promptTokens };
}
