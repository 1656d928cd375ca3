/**
 * ONNX Runtime, just enough to run models with one float tensor in and one out. For a child process: a damaged model or
 * the library itself can end it.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import { makeError } from '../../core/errors.ts';

export type FloatTensor = { data: Float32Array; dims: readonly number[] };
export type OnnxModel = {
  run(input: FloatTensor): Promise<FloatTensor>;
  dispose(): Promise<void>;
};

/** @param model the bytes of an ONNX file */
export async function openOnnxModel(model: Uint8Array, threads: number): Promise<OnnxModel> {
  // Only the process that runs models pays for loading the library.
  const { default: runtime } = await import('onnxruntime-node');
  const session: InferenceSession = await runtime.InferenceSession.create(model, {
    intraOpNumThreads: threads,
    // Inputs have every size: patterns and an arena would keep the largest one's memory for good.
    enableMemPattern: false,
    enableCpuMemArena: false,
    // Threads that wait sleep: they share the machine with the language model.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
    logSeverityLevel: 3,
  });
  const [input, output] = [session.inputNames[0] ?? '', session.outputNames[0] ?? ''];
  return {
    async run({ data, dims }) {
      try {
        const results = await session.run({ [input]: new runtime.Tensor('float32', data, dims) });
        const result = results[output];
        if (!(result?.data instanceof Float32Array)) throw new Error('the output is no float tensor');
        return { data: result.data, dims: result.dims };
      } catch (error) {
        const reason = 'the ONNX runtime refused the work';
        throw makeError('engine_failed', { reason }, { cause: error, detail: String(error) });
      }
    },
    dispose: () => session.release(),
  };
}

/** Whether there is a library for this platform. Loads nothing. */
export function hasOnnxRuntime(): boolean {
  try {
    const entry = createRequire(import.meta.url).resolve('onnxruntime-node');
    const folder = path.join(path.dirname(entry), '..', 'bin', 'napi-v6', process.platform, process.arch);
    return existsSync(path.join(folder, 'onnxruntime_binding.node'));
  } catch {
    return false;
  }
}
