/** ONNX Runtime for the worker processes: opening a model file and running it, with its errors as catalogue errors. */
import * as ort from 'onnxruntime-node';
import { makeError } from '../../core/errors.ts';

export type OnnxSession = {
  readonly outputNames: readonly string[];
  /** `fetches`: names, or tensors to write the results into (`null`: a new one). */
  run(
    feeds: Record<string, ort.Tensor>,
    fetches?: readonly string[] | Record<string, ort.Tensor | null>,
  ): Promise<ort.InferenceSession.ReturnType>;
  dispose(): Promise<void>;
};

/** Throws `model_file_invalid`. A damaged file can also end the process. */
export async function openOnnxSession(path: string, options: { threads: number }): Promise<OnnxSession> {
  let session: ort.InferenceSession;
  try {
    session = await ort.InferenceSession.create(path, {
      executionProviders: ['cpu'],
      executionMode: 'sequential',
      intraOpNumThreads: options.threads,
      interOpNumThreads: 1,
      logSeverityLevel: 3,
      // Waiting threads sleep: a module that waits for sound must not keep the cores busy.
      extra: { session: { intra_op: { allow_spinning: '0' } } },
    });
  } catch (error) {
    throw makeError(
      'model_file_invalid',
      { file: 'ONNX model', reason: 'ONNX Runtime cannot load it' },
      { cause: error },
    );
  }
  return {
    outputNames: session.outputNames,
    run: (feeds, fetches) =>
      fetches === undefined ? session.run(feeds) : session.run(feeds, fetches as ort.InferenceSession.FetchesType),
    dispose: () => session.release(),
  };
}

export function float32Tensor(data: Float32Array, shape: readonly number[]): ort.Tensor {
  return new ort.Tensor('float32', data, shape);
}

export function int64Tensor(values: readonly number[], shape: readonly number[] = [values.length]): ort.Tensor {
  return new ort.Tensor('int64', BigInt64Array.from(values, BigInt), shape);
}

export function int32Tensor(values: readonly number[]): ort.Tensor {
  return new ort.Tensor('int32', Int32Array.from(values), [values.length]);
}
