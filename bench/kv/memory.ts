/** What a long conversation with a budget takes in memory, against a short one without: each in an engine of its own. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChatMessage } from '../../src/core/chat.ts';
import type { InstalledModel } from '../../src/core/model-store.ts';
import { plainChat, plainRequest } from '../../src/core/plain-request.ts';
import type { EngineStatistics } from '../../src/engine/host/messages.ts';
import { createBackend } from '../engine/create-backend.ts';
import { longDocument } from './documents.ts';

const mebibyte = 1024 * 1024;
const turnSentences = 24;
/** What scored the cells is given back five seconds after its last use; statistics come once a second. */
const settleMs = 7_000;

export type ConversationMemory = {
  tokens: number;
  turns: number;
  /** Prompt tokens that were computed anew over all turns. */
  computedTokens: number;
  cellsUsed: number;
  cells: number;
  cacheMiB: number;
  residentMiB: number;
};

export type MemoryOptions = {
  threads: number;
  /** Tokens of the conversation at its end, about. */
  tokens: number;
  /** The same for what is compared. */
  contextTokens: number;
  budgetTokens?: number;
  onProgress: (text: string) => void;
};

export async function measureConversation(model: InstalledModel, options: MemoryOptions): Promise<ConversationMemory> {
  const { threads, tokens, contextTokens, budgetTokens, onProgress } = options;
  const seen: { latest?: EngineStatistics } = {};
  const backend = createBackend(
    model,
    { threads, contextTokens, cells: contextTokens, maxRunning: 1, maxCachedSequences: 2 },
    (statistics) => {
      seen.latest = statistics;
    },
  );
  const messages: ChatMessage[] = [];
  let promptTokens = 0;
  let computedTokens = 0;
  let turns = 0;
  try {
    await backend.start(AbortSignal.timeout(300_000));
    while (promptTokens < tokens) {
      const { text } = longDocument(turns, turnSentences);
      messages.push({
        role: 'user',
        content: [{ type: 'text', text: `${text}\nWhat was that about? One short sentence.` }],
      });
      const request = plainRequest(randomUUID(), plainChat('', { messages }), {
        model: model.entry.id,
        sampling: { temperature: 0 },
        maxTokens: 24,
        ...(budgetTokens === undefined ? {} : { cache: { budgetTokens } }),
      });
      let said = '';
      for await (const event of backend.stream(request, { signal: AbortSignal.timeout(600_000) })) {
        if (event.type === 'text-delta') said += event.text;
        else if (event.type === 'error') throw new Error(event.message);
        else if (event.type === 'usage') {
          promptTokens = event.usage.promptTokens;
          computedTokens += promptTokens - event.usage.cachedTokens;
        }
      }
      messages.push({ role: 'assistant', content: [{ type: 'text', text: said }], toolCalls: [] });
      turns++;
      onProgress(`conversation of ${promptTokens} tokens`);
    }
    await sleep(settleMs);
    const statistics = seen.latest;
    if (statistics === undefined) throw new Error('the engine reported nothing');
    return {
      tokens: promptTokens,
      turns,
      computedTokens,
      cellsUsed: statistics.cellsUsed,
      cells: statistics.cells,
      cacheMiB: statistics.cacheBytes / mebibyte,
      residentMiB: statistics.residentBytes / mebibyte,
    };
  } finally {
    await backend.dispose();
  }
}
