/** A process of its own that asks: takes one task at a time over its IPC channel and answers with the figures. */
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export type ClientTask = {
  /** Where to ask; with several, the healthy ones in turn, as a load balancer does. */
  urls: string[];
  /** Where each says how it is. Empty: nobody is asked. */
  healthUrls: string[];
  headers: Record<string, string>;
  connections: number;
  /** For so long; streams that run then may end. */
  seconds: number;
  stream: boolean;
  tokens: number;
  /** The connections begin one after the other in this time. */
  spreadMs: number;
};
export type ClientResult = {
  requests: number;
  errors: number;
  firstErrors: string[];
  seconds: number;
  /** Milliseconds from sending a request to its first event, or to the end of an answer that is not streamed. */
  firstMs: number[];
  /** Milliseconds from the moment the upstream sent an event to its arrival here. */
  eventMs: number[];
};

const maxSamples = 400_000;

class Load {
  readonly #task: ClientTask;
  readonly #body: string;
  readonly #agent: Agent;
  readonly #healthy: boolean[];
  #turn = 0;
  readonly result: ClientResult = { requests: 0, errors: 0, firstErrors: [], seconds: 0, firstMs: [], eventMs: [] };

  constructor(task: ClientTask) {
    this.#task = task;
    this.#body = JSON.stringify({
      model: 'scripted-1',
      messages: [{ role: 'user', content: 'Tell me something about rivers.' }],
      max_tokens: task.tokens,
      stream: task.stream,
    });
    this.#agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY, scheduling: 'lifo' });
    this.#healthy = task.urls.map(() => true);
  }

  async run(): Promise<ClientResult> {
    const { connections, seconds, healthUrls } = this.#task;
    const startedMs = performance.now();
    const endMs = startedMs + seconds * 1000;
    const timers = healthUrls.map((url, index) => setInterval(() => this.#look(url, index), 100));
    await Promise.all(
      Array.from({ length: connections }, async (_, index) => {
        // Spread over the length of a stream: requests and words come evenly, as those of people who know nothing of each other.
        await sleep((index * this.#task.spreadMs) / connections);
        while (performance.now() < endMs) await this.#one();
      }),
    );
    for (const timer of timers) clearInterval(timer);
    this.result.seconds = (performance.now() - startedMs) / 1000;
    this.#agent.destroy();
    return this.result;
  }

  async #one(): Promise<void> {
    this.result.requests++;
    try {
      await this.#ask(this.#pick());
    } catch (error) {
      this.result.errors++;
      if (this.result.firstErrors.length < 5) this.result.firstErrors.push(String(error).slice(0, 300));
      await sleep(20);
    }
  }

  #pick(): string {
    const { urls } = this.#task;
    for (let times = 0; times < urls.length; times++) {
      this.#turn = (this.#turn + 1) % urls.length;
      if (this.#healthy[this.#turn] === true) break;
    }
    return urls[this.#turn] ?? '';
  }

  #look(url: string, index: number): void {
    const sent = request(url, { timeout: 1000 }, (response) => {
      response.resume();
      this.#healthy[index] = response.statusCode === 200;
    });
    sent.on('error', () => (this.#healthy[index] = false));
    sent.end();
  }

  #ask(url: string): Promise<void> {
    const { headers, stream } = this.#task;
    return new Promise((resolve, reject) => {
      const startedMs = performance.now();
      const sent = request(`${url}/chat/completions`, {
        method: 'POST',
        agent: this.#agent,
        headers: { ...headers, 'content-type': 'application/json', 'content-length': this.#body.length },
      });
      sent.on('error', reject);
      sent.on('response', (response) => {
        let isFirst = true;
        let tail = '';
        response.on('data', (bytes: Buffer) => {
          const text = bytes.toString('latin1');
          if (isFirst && stream) this.#sample(this.result.firstMs, performance.now() - startedMs);
          isFirst = false;
          if (stream) this.#events(text);
          tail = (tail + text).slice(-2000);
        });
        response.on('error', reject);
        response.on('end', () => {
          if (!stream) this.#sample(this.result.firstMs, performance.now() - startedMs);
          const isWhole = stream ? tail.includes('data: [DONE]') : tail.includes('"finish_reason"');
          if (response.statusCode === 200 && isWhole) resolve();
          else reject(new Error(`status ${response.statusCode}: ${tail.slice(0, 200)}`));
        });
      });
      sent.end(this.#body);
    });
  }

  #events(text: string): void {
    const now = Number(process.hrtime.bigint() / 1000n);
    for (let at = text.indexOf('"t":'); at !== -1; at = text.indexOf('"t":', at + 4)) {
      const sentAt = Number.parseInt(text.slice(at + 4, at + 24), 10);
      this.#sample(this.result.eventMs, (now - sentAt) / 1000);
    }
  }

  #sample(list: number[], value: number): void {
    if (list.length < maxSamples) list.push(value);
  }
}

process.on('message', (task: ClientTask) => {
  void new Load(task).run().then((result) => process.send?.(result));
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
