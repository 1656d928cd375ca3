/**
 * ONNX Runtime through its C API (`onnxruntime_c_api.h`, ABI version 1, which never changes): just enough to run models
 * whose inputs and outputs are float tensors. The library is the one that comes with sherpa-onnx. For a child process: a
 * damaged model can end the process.
 */
import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import koffi from 'koffi';
import { makeError } from '../../core/errors.ts';

type Pointer = bigint | number;

/** Places in `struct OrtApi`; its version 1 has 101 of them, fixed by a static assertion in the header. */
const places = {
  GetErrorMessage: [2, 'const char* f(uintptr_t)'],
  CreateEnv: [3, 'uintptr_t f(int, const char*, _Out_ uintptr_t*)'],
  CreateSessionFromArray: [8, 'uintptr_t f(uintptr_t, const uint8*, size_t, uintptr_t, _Out_ uintptr_t*)'],
  Run: [
    9,
    'uintptr_t f(uintptr_t, uintptr_t, const char**, uintptr_t*, size_t, const char**, size_t, _Inout_ uintptr_t*)',
  ],
  CreateSessionOptions: [10, 'uintptr_t f(_Out_ uintptr_t*)'],
  DisableMemPattern: [17, 'uintptr_t f(uintptr_t)'],
  DisableCpuMemArena: [19, 'uintptr_t f(uintptr_t)'],
  SetIntraOpNumThreads: [24, 'uintptr_t f(uintptr_t, int)'],
  SessionGetInputName: [36, 'uintptr_t f(uintptr_t, size_t, uintptr_t, _Out_ uintptr_t*)'],
  SessionGetOutputName: [37, 'uintptr_t f(uintptr_t, size_t, uintptr_t, _Out_ uintptr_t*)'],
  CreateTensorWithDataAsOrtValue: [
    49,
    'uintptr_t f(uintptr_t, float*, size_t, int64*, size_t, int, _Out_ uintptr_t*)',
  ],
  GetTensorMutableData: [51, 'uintptr_t f(uintptr_t, _Out_ uintptr_t*)'],
  GetDimensionsCount: [61, 'uintptr_t f(uintptr_t, _Out_ size_t*)'],
  GetDimensions: [62, 'uintptr_t f(uintptr_t, _Out_ int64*, size_t)'],
  GetTensorTypeAndShape: [65, 'uintptr_t f(uintptr_t, _Out_ uintptr_t*)'],
  CreateCpuMemoryInfo: [69, 'uintptr_t f(int, int, _Out_ uintptr_t*)'],
  GetAllocatorWithDefaultOptions: [78, 'uintptr_t f(_Out_ uintptr_t*)'],
  ReleaseStatus: [93, 'void f(uintptr_t)'],
  ReleaseSession: [95, 'void f(uintptr_t)'],
  ReleaseValue: [96, 'void f(uintptr_t)'],
  ReleaseTensorTypeAndShapeInfo: [99, 'void f(uintptr_t)'],
  ReleaseSessionOptions: [100, 'void f(uintptr_t)'],
} as const;
const placesInVersion1 = 101;
const floatType = 1;
const logWarnings = 2;

type Api = Record<keyof typeof places, (...values: unknown[]) => unknown>;

export type Tensor = { data: Float32Array; dims: number[] };

export class OnnxRuntime {
  readonly #api: Api;
  /** Collected, it would take the code of the functions with it. */
  readonly library: unknown;
  readonly #environment: Pointer;
  readonly #memory: Pointer;
  readonly #allocator: Pointer;
  /** What native code is reading: the collector must not take it away meanwhile. */
  inUse: Tensor | undefined;

  /** @throws `unsupported_platform` */
  constructor(file: string = findOnnxRuntime()) {
    const library = koffi.load(file);
    this.library = library;
    this.#api = bind(library);
    this.#environment = this.#made('CreateEnv', logWarnings, 'duanyun');
    // Device allocator, default memory.
    this.#memory = this.#made('CreateCpuMemoryInfo', 0, 0);
    this.#allocator = this.#made('GetAllocatorWithDefaultOptions');
  }

  /** @param model the bytes of an ONNX file with one input and one output */
  open(model: Uint8Array, threads: number): OnnxModel {
    const options = this.#made('CreateSessionOptions');
    try {
      this.#check(this.#api.SetIntraOpNumThreads(options, threads));
      // Pictures have every size: patterns and an arena would keep the largest one's memory for good.
      this.#check(this.#api.DisableMemPattern(options));
      this.#check(this.#api.DisableCpuMemArena(options));
      const session = this.#made('CreateSessionFromArray', this.#environment, model, model.length, options);
      const name = (of: 'SessionGetInputName' | 'SessionGetOutputName'): string =>
        koffi.decode(this.#made(of, session, 0, this.#allocator), 'char', -1) as string;
      const input = name('SessionGetInputName');
      const output = name('SessionGetOutputName');
      return {
        run: (tensor) => this.#run(session, input, output, tensor),
        dispose: () => void this.#api.ReleaseSession(session),
      };
    } finally {
      this.#api.ReleaseSessionOptions(options);
    }
  }

  #run(session: Pointer, input: string, output: string, tensor: Tensor): Tensor {
    const { data, dims } = tensor;
    this.inUse = tensor;
    const shape = BigInt64Array.from(dims, BigInt);
    const value = this.#made(
      'CreateTensorWithDataAsOrtValue',
      this.#memory,
      data,
      data.byteLength,
      shape,
      dims.length,
      floatType,
    );
    const results: Pointer[] = [0];
    try {
      this.#check(this.#api.Run(session, 0, [input], [value], 1, [output], 1, results));
      return this.#read(results[0] ?? 0);
    } finally {
      this.#api.ReleaseValue(value);
      this.#api.ReleaseValue(results[0] ?? 0);
      this.inUse = undefined;
    }
  }

  /** A copy in JavaScript's own memory. */
  #read(value: Pointer): Tensor {
    const info = this.#made('GetTensorTypeAndShape', value);
    try {
      const rank = Number(this.#made('GetDimensionsCount', info));
      const shape = new BigInt64Array(rank);
      this.#check(this.#api.GetDimensions(info, shape, rank));
      const dims = Array.from(shape, Number);
      const length = dims.reduce((product, size) => product * size, 1);
      const address = this.#made('GetTensorMutableData', value);
      return { data: new Float32Array(koffi.view(address, length * 4).slice(0)), dims };
    } finally {
      this.#api.ReleaseTensorTypeAndShapeInfo(info);
    }
  }

  /** Calls a function whose last parameter takes what it makes. */
  #made(name: keyof Api, ...values: unknown[]): Pointer {
    const made: Pointer[] = [0];
    this.#check(this.#api[name](...values, made));
    return made[0] ?? 0;
  }

  #check(status: unknown): void {
    if (!status) return;
    const text = String(this.#api.GetErrorMessage(status));
    this.#api.ReleaseStatus(status);
    throw makeError('engine_failed', { reason: 'the ONNX runtime refused the work' }, { detail: text });
  }
}

export type OnnxModel = {
  run(input: Tensor): Tensor;
  dispose(): void;
};

function bind(library: ReturnType<typeof koffi.load>): Api {
  const base = library.func('uintptr_t OrtGetApiBase()')() as Pointer;
  const getApi = koffi.decode(base, 'uintptr_t') as Pointer;
  const api = koffi.call(getApi, koffi.proto('uintptr_t OrtGetApi(uint32)'), 1) as Pointer;
  const addresses = koffi.decode(api, koffi.array('uintptr_t', placesInVersion1, 'Array')) as Pointer[];
  return Object.fromEntries(
    Object.entries(places).map(([name, [place, signature]]) => [
      name,
      // The prototypes share one space of names.
      koffi.decode(addresses[place] ?? 0, koffi.proto(signature.replace(' f(', ` Ort${name}(`))) as Api[keyof Api],
    ]),
  ) as Api;
}

/** The library of this platform. Throws `unsupported_platform`. */
export function findOnnxRuntime(): string {
  const require = createRequire(import.meta.url);
  const system = process.platform === 'win32' ? 'win' : process.platform;
  const platform = `${system}-${process.arch}`;
  const name = { darwin: 'libonnxruntime.dylib', win32: 'onnxruntime.dll' }[String(process.platform)];
  try {
    const folder = path.dirname(require.resolve(`sherpa-onnx-${platform}/package.json`));
    const file = path.join(folder, name ?? 'libonnxruntime.so');
    if (existsSync(file)) return realpathSync(file);
  } catch {
    // Told below.
  }
  throw makeError('unsupported_platform', { platform });
}
