/** Measures the engine as its users meet it: through `EngineBackend`, process border and event stream included. */
import { randomUUID } from 'node:crypto';
import { plainRequest } from '../../src/core/plain-request.ts';
import type { EngineBackend } from '../../src/engine/engine-backend.ts';
import type { NativeModel } from '../../src/engine/native/model.ts';
import type { Measurement } from './contender.ts';
import { whileAllRun } from './while-all-run.ts';
import { countingPrompt, median, percentile, textPrompt } from './workload.ts';

type Stream = { arrivals: number[]; tokens: number; submittedAt: number; endedAt: number };

export class EngineDriver {
  readonly #backend: EngineBackend;
  readonly #tokenizer: NativeModel;
  readonly #modelId: string;

  constructor(backend: EngineBackend, tokenizer: NativeModel, modelId: string) {
    this.#backend = backend;
    this.#tokenizer = tokenizer;
    this.#modelId = modelId;
  }

  /** Tokens after the first, while all streams run. */
  async generate(streams: number, tokens: number, number: number): Promise<Measurement> {
    const results = await Promise.all(
      Array.from({ length: streams }, (_, stream) =>
        this.#run(countingPrompt(this.#tokenizer, number + stream), tokens),
      ),
    );
    return whileAllRun(results.map(({ arrivals }) => arrivals));
  }

  async prefill(tokens: number, number: number): Promise<Measurement> {
    return { tokens, milliseconds: await this.firstTokenMs(textPrompt(this.#tokenizer, tokens, number)) };
  }

  async firstTokenMs(prompt: number[]): Promise<number> {
    const result = await this.#run(prompt, 1);
    return (result.arrivals[0] ?? Number.NaN) - result.submittedAt;
  }

  /** p95 of the time between two tokens over all streams, while `prompt` is prefilled beside them if there is one. */
  async interTokenMs(streams: number, tokens: number, number: number, prompt?: number[]): Promise<number> {
    let running = 0;
    let begin: () => void = () => {};
    const allRunning = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const answers = Array.from({ length: streams }, (_, stream) =>
      this.#run(countingPrompt(this.#tokenizer, number + stream), tokens, () => {
        running++;
        if (running === streams) begin();
      }),
    );
    await allRunning;
    const from = performance.now();
    const beside = prompt === undefined ? undefined : this.#run(prompt, 1);
    const results = await Promise.all(answers);
    const until = (await beside)?.arrivals[0] ?? Number.POSITIVE_INFINITY;
    const gaps = results.flatMap((result) =>
      result.arrivals
        .slice(1)
        .map((arrival, index) => ({ arrival, gap: arrival - (result.arrivals[index] ?? arrival) }))
        .filter(({ arrival }) => arrival > from && arrival < until)
        .map(({ gap }) => gap),
    );
    return percentile(gaps, 0.95);
  }

  async atOnce(requests: number, tokens: number, number: number): Promise<{ failed: number; finishedMs: number[] }> {
    const settled = await Promise.allSettled(
      Array.from({ length: requests }, (_, request) =>
        this.#run(countingPrompt(this.#tokenizer, number + request), tokens),
      ),
    );
    const times = settled
      .filter((result) => result.status === 'fulfilled')
      .map(({ value }) => value.endedAt - value.submittedAt);
    const failed = settled.length - times.length;
    return { failed, finishedMs: [Math.min(...times), median(times), Math.max(...times)] };
  }

  async #run(prompt: number[], maxTokens: number, onFirstToken?: () => void): Promise<Stream> {
    const request = plainRequest(
      randomUUID(),
      { kind: 'completion', prompt, echo: false },
      {
        model: this.#modelId,
        sampling: { temperature: 0, repeatPenalty: 1 },
        maxTokens,
        reasoning: { return: false },
      },
    );
    const stream: Stream = { arrivals: [], tokens: 0, submittedAt: performance.now(), endedAt: 0 };
    for await (const event of this.#backend.stream(request, { signal: AbortSignal.timeout(600_000) })) {
      if (event.type === 'text-delta') {
        stream.arrivals.push(performance.now());
        if (stream.arrivals.length === 1) onFirstToken?.();
      } else if (event.type === 'usage') stream.tokens = event.usage.completionTokens;
      else if (event.type === 'error') throw new Error(event.message);
    }
    stream.endedAt = performance.now();
    return stream;
  }
}
