/** Questions to the device's model: every one a request like any other, with a receipt of its own. */
import { createHash } from 'node:crypto';
import type { z } from 'zod';
import type { JsonSchema } from '../core/chat.ts';
import { DuanyunError, makeError } from '../core/errors.ts';
import type { InferenceService } from '../core/inference.ts';
import { plainChat, plainRequest } from '../core/plain-request.ts';
import type { StateFile } from './state-file.ts';

/** A question of a person comes first. */
const priority = -1;
/** After the engine died under a question. */
const mostTries = 3;

export type ModelCallsOptions = {
  service: InferenceService;
  model: string;
  state: StateFile;
  signal: AbortSignal;
  newId: () => string;
};

export type ModelQuestion<Answer> = {
  system: string;
  text: string;
  form: JsonSchema;
  schema: z.ZodType<Answer>;
  maxTokens: number;
};

type Written = { text: string; model: string; receipt?: string };

export class ModelCalls {
  readonly #options: ModelCallsOptions;
  readonly #known = new Map<string, Written>();
  readonly receipts: string[] = [];
  /** Of the last answer. */
  model = '';

  constructor(options: ModelCallsOptions) {
    this.#options = options;
    for (const record of options.state.earlier) {
      if (record.type !== 'answer') continue;
      const { key, text, model, receipt } = record;
      this.#known.set(key, { text, model, ...(receipt === undefined ? {} : { receipt }) });
    }
  }

  /** `undefined` where the answer did not end in time, or the question does not fit the context: ask for less. Throws what answers throw. */
  async ask<Answer>(question: ModelQuestion<Answer>): Promise<Answer | undefined> {
    const key = createHash('sha256')
      .update(JSON.stringify([question.system, question.text, question.form]))
      .digest('hex');
    const known = this.#known.get(key);
    const written = known ?? (await this.#write(question));
    if (written === undefined) return undefined;
    const parsed = question.schema.safeParse(jsonOf(written.text));
    if (!parsed.success) return undefined;
    if (known === undefined) await this.#options.state.append({ type: 'answer', key, ...written });
    if (written.receipt !== undefined) this.receipts.push(written.receipt);
    this.model = written.model;
    return parsed.data;
  }

  async #write(question: ModelQuestion<unknown>): Promise<Written | undefined> {
    const { signal } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#writeOnce(question);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof DuanyunError)) throw error;
        if (error.code === 'context_length_exceeded') return undefined;
        if (error.code !== 'engine_crashed' || attempt === mostTries) throw error;
      }
    }
  }

  async #writeOnce({ system, text, form, maxTokens }: ModelQuestion<unknown>): Promise<Written | undefined> {
    const { service, model, signal, newId } = this.#options;
    const messages = [
      { role: 'system' as const, content: [{ type: 'text' as const, text: system }] },
      { role: 'user' as const, content: [{ type: 'text' as const, text }] },
    ];
    const request = plainRequest(newId(), plainChat('', { messages }), {
      model,
      sampling: { temperature: 0 },
      maxTokens,
      responseFormat: { type: 'json-schema', name: 'minutes', schema: form, strict: true },
      reasoning: { enable: false, return: false },
      priority,
      route: { preference: 'only_on_device' },
    });
    let answer = '';
    let answering = model;
    let receipt: string | undefined;
    let finish: string | undefined;
    for await (const event of service.stream(request, { signal })) {
      if (event.type === 'response-start') {
        answering = event.model;
        receipt = event.receipt?.id;
      } else if (event.type === 'text-delta') answer += event.text;
      else if (event.type === 'error') throw new DuanyunError(event.code, event.message);
      else if (event.type === 'finish') finish = event.reason.unified;
    }
    if (finish === undefined) throw makeError('stream_broken', {}, { detail: 'the backend ended without finish' });
    if (finish !== 'stop') return undefined;
    return { text: answer, model: answering, ...(receipt === undefined ? {} : { receipt }) };
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
