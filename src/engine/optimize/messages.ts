/** What the command's process and the process that does the native work say to each other. One job at a time. */
import type { WireError } from '../host/messages.ts';
import type { TensorType } from '../native/quantise.ts';
import type { Quality, SpeedRatios } from './choose-recipe.ts';

export type OptimizeJob =
  /**
   * Writes the source's logits to `referencePath`, and takes the importance of its weights. With `published` its vocabulary is held
   * against that file's first.
   */
  | { kind: 'reference'; source: string; published?: string; referencePath: string; threads: number; text: string }
  /** Writes the source with the tensors named in `tensors` in another format, the others as they are. */
  | {
      kind: 'quantise';
      source: string;
      target: string;
      format: TensorType;
      tensors: readonly string[];
      pruneLayers?: readonly number[];
      threads: number;
    }
  | { kind: 'quality'; candidate: string; referencePath: string; threads: number; text: string }
  | {
      kind: 'speed';
      source: string;
      candidate: string;
      threads: number;
      keepLoaded: boolean;
      leastRounds: number;
      mostRounds: number;
    };

export type JobResult = {
  /** `mismatch`: how the vocabularies differ; nothing was written then. */
  reference: { perplexity: number; tokens: number; mismatch?: string };
  quantise: undefined;
  quality: Quality;
  speed: SpeedRatios;
};

export type FromOptimizeProcess =
  | { type: 'progress'; share: number }
  | { type: 'done'; result: JobResult[keyof JobResult] }
  | { type: 'failed'; error: WireError };
