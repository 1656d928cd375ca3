import type { VoiceActivityModel } from './voice-activity.ts';
import { frameSamples } from './voice-activity.ts';

/** Watches that nobody closed, because their worker was asked by a server that died, are forgotten, oldest first. */
const mostWatches = 64;

type Watch = { activity: ReturnType<VoiceActivityModel['listen']>; rest: Float32Array; last: Promise<number[]> };

/** Voice activity of live sound, by the number that the server gave each. */
export class VoiceWatches {
  readonly #model: Pick<VoiceActivityModel, 'listen'>;
  readonly #watches = new Map<number, Watch>();

  constructor(model: Pick<VoiceActivityModel, 'listen'>) {
    this.#model = model;
  }

  /** The probability of speech in each frame that the samples complete; in order, however often it is called. */
  hear(id: number, samples: Float32Array): Promise<number[]> {
    const watch = this.#watches.get(id) ?? this.#open(id);
    watch.last = watch.last.catch(() => []).then(() => heard(watch, samples));
    return watch.last;
  }

  close(id: number): void {
    this.#watches.delete(id);
  }

  #open(id: number): Watch {
    const [oldest] = this.#watches.keys();
    if (this.#watches.size >= mostWatches && oldest !== undefined) this.#watches.delete(oldest);
    const watch = { activity: this.#model.listen(), rest: new Float32Array(0), last: Promise.resolve([]) };
    this.#watches.set(id, watch);
    return watch;
  }
}

async function heard(watch: Watch, samples: Float32Array): Promise<number[]> {
  const all = new Float32Array(watch.rest.length + samples.length);
  all.set(watch.rest);
  all.set(samples, watch.rest.length);
  const probabilities: number[] = [];
  let at = 0;
  for (; at + frameSamples <= all.length; at += frameSamples) {
    probabilities.push(await watch.activity.hear(all.subarray(at, at + frameSamples)));
  }
  watch.rest = all.slice(at);
  return probabilities;
}
