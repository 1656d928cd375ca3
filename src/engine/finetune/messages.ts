/** What the command's process and the process that trains say to each other. One job at a time. */
import type { ModelEntry } from '../../core/catalogue.ts';
import type { WireError } from '../host/messages.ts';
import type { LoraShape } from '../native/lora-training.ts';
import type { CourseEvent, CourseOptions, CourseOutcome } from './trainer.ts';
import type { Conversation } from './training-data.ts';

export type EncodeJob = {
  kind: 'encode';
  weightsPath: string;
  entry: ModelEntry;
  train: Conversation[];
  validation: Conversation[];
  /** Name of the data file, for messages. */
  file: string;
  mostTokens: number;
};

export type Encoded = {
  /** Length of the longest example that is used. */
  longestTokens: number;
  /** Of the training examples. */
  tokens: number;
  learntTokens: number;
  trainExamples: number;
  validationExamples: number;
  /** Numbers of the lines that were cut, and of those of which nothing was left to learn. */
  cutLines: number[];
  droppedLines: number[];
  /** Lines that hold the text of control tokens; read as plain text. */
  controlTextLines: number[];
};

/** Goes on with what `encode` made. */
export type TrainJob = {
  kind: 'train';
  /** Read as they are; the wide copy where one was made. */
  weightsPath: string;
  windowTokens: number;
  threads: number;
  shape: LoraShape;
  course: CourseOptions;
  fingerprint: string;
  checkpointPath: string;
  bestPath: string;
};

export type WidenJob = { kind: 'widen'; source: string; target: string; threads: number };

export type FinetuneJob = EncodeJob | WidenJob | TrainJob;
export type JobResult = { encode: Encoded; widen: undefined; train: CourseOutcome };

export type ToTrainer = FinetuneJob | { kind: 'pause' };

export type TrainerEvent = CourseEvent | { type: 'resumed'; epoch: number; step: number };

export type FromTrainer =
  | { type: 'event'; event: TrainerEvent }
  | { type: 'done'; result: JobResult[keyof JobResult] }
  | { type: 'failed'; error: WireError };
