/**
 * Stands in for `llama.rn` and `whisper.rn`, whose native halves run on phones only. It keeps what their types and their
 * documentation say: one completion at a time, `content` that grows, a result also for what was stopped, numbers instead of
 * flags. It answers by rule and proves nothing about a model.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  LlamaCompletionParams,
  LlamaCompletionResult,
  LlamaContextLike,
  LlamaToken,
  WhisperContextLike,
  WhisperOptions,
} from '../../src/mobile/native-types.ts';

export class LlamaContextStandIn implements LlamaContextLike {
  isReleased = false;
  #isBusy = false;
  #isStopped = false;

  async completion(
    params: LlamaCompletionParams,
    onToken?: (data: LlamaToken) => void,
  ): Promise<LlamaCompletionResult> {
    if (this.isReleased) throw new Error('Context not found');
    if (this.#isBusy) throw new Error('Context is busy');
    this.#isBusy = true;
    this.#isStopped = false;
    const question = params.messages?.at(-1)?.content ?? params.prompt ?? '';
    const limit = params.n_predict ?? -1;
    const isLong = question.startsWith('Count');
    let content = '';
    let count = 0;
    try {
      for (const token of isLong ? numbers() : tokensOf(`你好 🦜 ${question}`)) {
        if (this.#isStopped || (limit >= 0 && count >= limit)) break;
        await sleep(isLong ? 2 : 0);
        count += 1;
        content += token;
        // A template was applied to messages only, so only then is there parsed text.
        onToken?.(params.messages === undefined ? { token } : { token, content, accumulated_text: content });
      }
    } finally {
      this.#isBusy = false;
    }
    const isCut = limit >= 0 && count >= limit;
    return {
      text: content,
      tokens_predicted: count,
      tokens_evaluated: question.length,
      tokens_cached: 0,
      truncated: false,
      stopped_eos: !isCut && !this.#isStopped,
      stopped_word: '',
      stopped_limit: isCut ? 1 : 0,
      context_full: false,
      interrupted: this.#isStopped,
      timings: { cache_n: 0, prompt_n: question.length, prompt_ms: 1, predicted_n: count, predicted_ms: count },
    };
  }

  async stopCompletion(): Promise<void> {
    this.#isStopped = true;
  }

  async tokenize(text: string): Promise<{ tokens: number[] }> {
    return { tokens: Array.from(text, (each) => each.codePointAt(0) ?? 0) };
  }

  async embedding(text: string): Promise<{ embedding: number[] }> {
    return { embedding: [...createHash('sha256').update(text).digest()].map((byte) => byte - 127.5) };
  }

  async release(): Promise<void> {
    this.isReleased = true;
  }
}

export class WhisperContextStandIn implements WhisperContextLike {
  readonly heard: { bytes: number; options: WhisperOptions | undefined }[] = [];
  isReleased = false;
  #isBusy = false;

  transcribeData(data: ArrayBuffer, options?: WhisperOptions): ReturnType<WhisperContextLike['transcribeData']> {
    if (this.#isBusy) throw new Error('Context is already transcribing');
    this.#isBusy = true;
    this.heard.push({ bytes: data.byteLength, options });
    const state = { isStopped: false };
    const work = async (): ReturnType<typeof this.transcribeData>['promise'] => {
      for (let percent = 0; percent <= 100 && !state.isStopped; percent += 20) {
        options?.onProgress?.(percent);
        await sleep(5);
      }
      this.#isBusy = false;
      const segments = [
        { text: ' Good', t0: 0, t1: 50 },
        { text: ' morning.', t0: 50, t1: 120 },
      ];
      return { result: ' Good morning.', language: options?.language ?? 'en', segments, isAborted: state.isStopped };
    };
    return {
      stop: async () => {
        state.isStopped = true;
      },
      promise: work(),
    };
  }

  async release(): Promise<void> {
    this.isReleased = true;
  }
}

function* numbers(): Generator<string> {
  for (let number = 1; number <= 1000; number++) yield `${number} `;
}

/** A character outside the basic plane comes in two tokens, as it does where its bytes are two tokens. */
function* tokensOf(text: string): Generator<string> {
  for (let index = 0; index < text.length; index++) yield text.charAt(index);
}
