/**
 * ONNX Runtime through its C API, for models that write into memory given to them. The Node binding copies every output into
 * a new array, also one that was written in place: for a cache of keys and values that is most of a decoder step.
 *
 * The functions stand in one table whose order never changes (`onnxruntime_c_api.h`: new ones are added at its end).
 */
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import koffi from 'koffi';
import { makeError } from '../../core/errors.ts';

export type NativeArray = Float32Array | BigInt64Array | Int32Array;
export type NativeTensor = { data: NativeArray; dims: readonly number[] };
export type NativeTensors = Readonly<Record<string, NativeTensor>>;

export type InPlaceSession = {
  /** Reads the inputs and writes into the outputs, off the main thread. An array may be input and output at once. */
  run(inputs: NativeTensors, outputs: NativeTensors): Promise<void>;
  /** Nothing may be running. */
  dispose(): void;
};

type Address = bigint;
type Native = ((...values: unknown[]) => unknown) & { async(...values: unknown[]): void };

/** Any version from 1.13 on has all that is used here. */
const apiVersion = 13;
const pathType = process.platform === 'win32' ? 'str16' : 'str';
/** Place in the table, result and parameters. A status is 0 where all went well. */
const signatures = {
  getErrorMessage: [2, 'const char*(uintptr_t)'],
  createEnv: [3, 'uintptr_t(int, str, _Out_ uintptr_t*)'],
  createSession: [7, `uintptr_t(uintptr_t, ${pathType}, uintptr_t, _Out_ uintptr_t*)`],
  run: [9, 'uintptr_t(uintptr_t, uintptr_t, str*, uintptr_t*, size_t, str*, size_t, _Inout_ uintptr_t*)'],
  createSessionOptions: [10, 'uintptr_t(_Out_ uintptr_t*)'],
  setLogSeverity: [22, 'uintptr_t(uintptr_t, int)'],
  setIntraThreads: [24, 'uintptr_t(uintptr_t, int)'],
  setInterThreads: [25, 'uintptr_t(uintptr_t, int)'],
  createTensor: [49, 'uintptr_t(uintptr_t, void*, size_t, int64_t*, size_t, int, _Out_ uintptr_t*)'],
  createCpuMemoryInfo: [69, 'uintptr_t(int, int, _Out_ uintptr_t*)'],
  releaseStatus: [93, 'void(uintptr_t)'],
  releaseSession: [95, 'void(uintptr_t)'],
  releaseValue: [96, 'void(uintptr_t)'],
  releaseSessionOptions: [100, 'void(uintptr_t)'],
  setConfiguration: [130, 'uintptr_t(uintptr_t, str, str)'],
} as const;
type Api = Record<keyof typeof signatures, Native> & { environment: Address; memory: Address };

/** Collected, the library would be unloaded under the functions that were taken from its table. */
let library: ReturnType<typeof koffi.load> | undefined;
/** What native code reads and writes just now; nobody else may hold it. */
const inUse = new Set<NativeTensors>();

const errorsOnly = 3;
let loaded: Api | undefined;

/** Throws `model_file_invalid`. A damaged file can also end the process. */
export function openInPlaceSession(file: string, options: { threads: number }): InPlaceSession {
  const api = loadApi();
  const settings = created(api, (out) => api.createSessionOptions(out));
  let session: Address;
  try {
    check(api, api.setLogSeverity(settings, errorsOnly));
    check(api, api.setIntraThreads(settings, options.threads));
    check(api, api.setInterThreads(settings, 1));
    // Waiting threads sleep: a module that waits for sound must not keep the cores busy.
    check(api, api.setConfiguration(settings, 'session.intra_op.allow_spinning', '0'));
    session = created(api, (out) => api.createSession(api.environment, file, settings, out));
  } catch (error) {
    const reason = 'ONNX Runtime cannot load it';
    throw makeError('model_file_invalid', { file: 'ONNX model', reason }, { cause: error });
  } finally {
    api.releaseSessionOptions(settings);
  }
  return {
    run: (inputs, outputs) => run(api, session, inputs, outputs),
    dispose: () => void api.releaseSession(session),
  };
}

async function run(api: Api, session: Address, inputs: NativeTensors, outputs: NativeTensors): Promise<void> {
  const values: Address[] = [];
  // Copies of the lists: the same one may be used by two runs.
  const held = [{ ...inputs }, { ...outputs }];
  for (const each of held) inUse.add(each);
  const wrap = (tensors: NativeTensors): BigUint64Array =>
    BigUint64Array.from(Object.values(tensors), (tensor) => {
      const value = wrapTensor(api, tensor);
      values.push(value);
      return value;
    });
  try {
    const [given, wanted] = [wrap(inputs), wrap(outputs)];
    const [inputNames, outputNames] = [Object.keys(inputs), Object.keys(outputs)];
    const status = await new Promise<unknown>((resolve, reject) => {
      const done = (error: Error | null | undefined, result: unknown): void => {
        if (error === null || error === undefined) resolve(result);
        else reject(error);
      };
      api.run.async(session, 0n, inputNames, given, given.length, outputNames, wanted.length, wanted, done);
    });
    check(api, status);
  } finally {
    for (const value of values) api.releaseValue(value);
    for (const each of held) inUse.delete(each);
  }
}

/** The array's memory, not a copy: `run` keeps it alive. */
function wrapTensor(api: Api, { data, dims }: NativeTensor): Address {
  const size = dims.reduce((product, each) => product * each, 1);
  if (size !== data.length) throw new Error(`an array of ${data.length} for the shape ${dims.join(' × ')}`);
  const shape = BigInt64Array.from(dims, BigInt);
  return created(api, (out) =>
    api.createTensor(api.memory, data, data.byteLength, shape, shape.length, elementCode(data), out),
  );
}

function elementCode(data: NativeArray): number {
  if (data instanceof Float32Array) return 1;
  return data instanceof Int32Array ? 6 : 7;
}

function created(api: Api, create: (out: (Address | number)[]) => unknown): Address {
  const out: (Address | number)[] = [0];
  check(api, create(out));
  return BigInt(out[0] as Address | number);
}

function check(api: Api, status: unknown): void {
  if (Number(status) === 0) return;
  const message = String(api.getErrorMessage(status));
  api.releaseStatus(status);
  throw makeError('engine_failed', { reason: 'the ONNX runtime refused the work' }, { detail: message });
}

function loadApi(): Api {
  if (loaded !== undefined) return loaded;
  library = koffi.load(findLibrary());
  const base = library.func('void* OrtGetApiBase()')() as unknown;
  const [getApi] = koffi.decode(base, 'uintptr_t', 1) as (Address | number)[];
  const table = at(getApi, 'void*(uint32)')(apiVersion);
  if (table === null) throw makeError('unsupported_platform', { platform: `${process.platform}-${process.arch}` });
  const places = koffi.decode(table, 'uintptr_t', signatures.setConfiguration[0] + 1) as (Address | number)[];
  const api = Object.fromEntries(
    Object.entries(signatures).map(([name, [place, signature]]) => [name, at(places[place], signature)]),
  ) as unknown as Api;
  api.environment = created(api, (out) => api.createEnv(errorsOnly, 'duanyun', out));
  // An arena's memory, the default kind.
  api.memory = created(api, (out) => api.createCpuMemoryInfo(1, 0, out));
  loaded = api;
  return api;
}

let prototypes = 0;
function at(address: unknown, signature: string): Native {
  const named = signature.replace('(', ` onnx_${prototypes++}(`);
  return koffi.decode(address, koffi.proto(named)) as Native;
}

/** Beside the binding of `onnxruntime-node`, for which it was built. */
function findLibrary(): string {
  const entry = createRequire(import.meta.url).resolve('onnxruntime-node');
  const folder = path.join(path.dirname(entry), '..', 'bin', 'napi-v6', process.platform, process.arch);
  const name = readdirSync(folder).find((each) => /^(lib)?onnxruntime\.(so\.1|dll|.*dylib)$/.test(each));
  if (name === undefined) throw makeError('unsupported_platform', { platform: `${process.platform}-${process.arch}` });
  return path.join(folder, name);
}
