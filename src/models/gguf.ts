import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { makeError } from '../core/errors.ts';
import { ggmlTypes } from './ggml-types.ts';
import { GgufFault, GgufReader, NeedsMoreBytes } from './gguf-reader.ts';

/** Long lists (vocabularies, merges, scores) are walked over, not kept. */
export type GgufValue = number | bigint | boolean | string | GgufScalar[] | { skippedLength: number };
export type GgufScalar = number | bigint | boolean | string;

export type GgufTensor = {
  name: string;
  /** As in `ggmlTypes`: `Q4_K`. */
  type: string;
  /** Innermost first. */
  shape: number[];
  /** From the start of the file. */
  offset: number;
  sizeBytes: number;
};

export type GgufHeader = {
  version: number;
  /** `general.architecture`; `clip` for a projector. */
  architecture: string;
  metadata: Map<string, GgufValue>;
  tensors: GgufTensor[];
  fileSizeBytes: number;
  /** Where the metadata values end and the list of tensors begins, bytes from the start of the file. */
  metadataEnd: number;
  /** Of tensor data, bytes. */
  alignment: number;
  /** `<architecture>.context_length`, in tokens. */
  contextLength: number | undefined;
  chatTemplate: string | undefined;
  /** `general.name`. */
  name: string | undefined;
};

const maximumKeyBytes = 65_535;
const maximumTensorNameBytes = 63;
const maximumDimensions = 4;
const maximumStringBytes = 64 * 1024 * 1024;
/** Per-layer lists are shorter, vocabularies longer. */
const keptListLength = 1024;
const keptListStringBytes = 64 * 1024;
const smallestPairBytes = 8 + 1 + 4 + 1;
const smallestTensorBytes = 8 + 1 + 4 + 8 + 4 + 8;
const firstReadBytes = 1024 * 1024;
/** The largest real headers (big vocabularies with merges) are about 20 MB. */
const maximumHeaderBytes = 256 * 1024 * 1024;

/** Bytes of the scalar types by their number. */
const scalarBytes: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
};
const stringType = 8;
const arrayType = 9;

/**
 * Reads and checks the header of a GGUF file (ggml/docs/gguf.md, versions 2 and 3) so that native code, which trusts it,
 * never sees a damaged or hostile one. Throws `model_file_invalid` with what is wrong, or `not_found`.
 */
export async function readGgufHeader(path: string): Promise<GgufHeader> {
  const name = basename(path);
  const file = await open(path, 'r').catch((error: unknown) => {
    throw makeError('not_found', { what: `The file ${name}` }, { cause: error, detail: path });
  });
  try {
    const status = await file.stat();
    if (!status.isFile()) throw new GgufFault('it is not a file');
    for (let wanted = firstReadBytes; ; wanted *= 4) {
      const prefix = Buffer.allocUnsafe(Math.min(wanted, status.size));
      const { bytesRead } = await file.read(prefix, 0, prefix.length, 0);
      try {
        return parseGgufHeader(prefix.subarray(0, bytesRead), status.size);
      } catch (error) {
        if (!(error instanceof NeedsMoreBytes)) throw error;
        if (bytesRead < prefix.length || wanted >= status.size)
          throw new GgufFault('it became shorter while it was read');
        if (wanted >= maximumHeaderBytes) throw new GgufFault('its header is larger than 256 MiB');
      }
    }
  } catch (error) {
    if (error instanceof GgufFault) throw makeError('model_file_invalid', { file: name, reason: error.message });
    throw error;
  } finally {
    await file.close();
  }
}

/**
 * The same for bytes in memory: `prefix` is the beginning of a file of `fileSizeBytes`. Throws `GgufFault` for a bad file
 * and `NeedsMoreBytes` when the header goes on behind the prefix.
 */
export function parseGgufHeader(prefix: Uint8Array, fileSizeBytes: number): GgufHeader {
  const reader = new GgufReader(prefix, fileSizeBytes);
  if (fileSizeBytes < 24) throw new GgufFault('it is too short');
  if (reader.uint32() !== 0x46554747) throw new GgufFault('it does not begin with GGUF');
  const version = reader.uint32();
  if (version >= 0x01000000) throw new GgufFault('it is big-endian');
  if (version !== 2 && version !== 3) throw new GgufFault(`its version is ${version}; 2 and 3 are known`);
  const tensorCount = reader.size('the number of tensors');
  const pairCount = reader.size('the number of metadata values');
  if (pairCount > reader.remainingBytes / smallestPairBytes)
    throw new GgufFault('it has more metadata values than bytes');
  if (tensorCount > reader.remainingBytes / smallestTensorBytes) throw new GgufFault('it has more tensors than bytes');
  if (tensorCount === 0) throw new GgufFault('it holds no tensors');
  const metadata = readMetadata(reader, pairCount);
  const metadataEnd = reader.position;
  refuseSplit(metadata);
  const alignment = readAlignment(metadata);
  const tensors = readTensors(reader, tensorCount);
  // The data begins behind the header, at the next multiple of the alignment.
  const dataOffset = Math.ceil(reader.position / alignment) * alignment;
  placeTensors(tensors, dataOffset, alignment, fileSizeBytes);
  const architecture = metadata.get('general.architecture');
  if (typeof architecture !== 'string' || !/^[\w.-]{1,64}$/.test(architecture)) {
    throw new GgufFault('it names no architecture');
  }
  const contextLength = metadata.get(`${architecture}.context_length`);
  return {
    version,
    architecture,
    metadata,
    tensors,
    fileSizeBytes,
    metadataEnd,
    alignment,
    contextLength: typeof contextLength === 'number' ? contextLength : undefined,
    chatTemplate: textOf(metadata, 'tokenizer.chat_template'),
    name: textOf(metadata, 'general.name'),
  };
}

function readMetadata(reader: GgufReader, count: number): Map<string, GgufValue> {
  const metadata = new Map<string, GgufValue>();
  for (let index = 0; index < count; index++) {
    const key = reader.string('a metadata key', maximumKeyBytes);
    if (key === '') throw new GgufFault('a metadata key is empty');
    if (metadata.has(key)) throw new GgufFault(`the metadata key ${shown(key)} comes twice`);
    metadata.set(key, readValue(reader, reader.uint32()));
  }
  return metadata;
}

function readValue(reader: GgufReader, type: number): GgufValue {
  if (type === stringType) return reader.string('a metadata value', maximumStringBytes);
  if (type === arrayType) return readList(reader);
  return reader.scalar(type);
}

function readList(reader: GgufReader): GgufValue {
  const type = reader.uint32();
  const length = reader.size('the length of a list');
  if (type === arrayType) throw new GgufFault('it nests lists');
  const itemBytes = type === stringType ? 8 : scalarBytes[type];
  if (itemBytes === undefined) throw new GgufFault(`it uses the unknown value type ${type}`);
  if (length > reader.remainingBytes / itemBytes) throw new GgufFault('a list is longer than the file');
  if (length > keptListLength) {
    if (type === stringType) reader.skipStrings(length);
    else reader.take(length * itemBytes);
    return { skippedLength: length };
  }
  return Array.from({ length }, () =>
    type === stringType ? reader.string('a text in a list', keptListStringBytes) : reader.scalar(type),
  );
}

function refuseSplit(metadata: Map<string, GgufValue>): void {
  const count = metadata.get('split.count');
  if (typeof count !== 'number' || count <= 1) return;
  const part = Number(metadata.get('split.no') ?? 0) + 1;
  throw new GgufFault(
    `it is part ${part} of ${count} of a split model; join the parts first (llama-gguf-split --merge)`,
  );
}

function readAlignment(metadata: Map<string, GgufValue>): number {
  const alignment = metadata.get('general.alignment') ?? 32;
  if (
    typeof alignment !== 'number' ||
    !Number.isInteger(Math.log2(alignment)) ||
    alignment < 1 ||
    alignment > 2 ** 30
  ) {
    throw new GgufFault('its alignment is not a power of two');
  }
  return alignment;
}

/** Offsets are still relative to the data section. */
function readTensors(reader: GgufReader, count: number): GgufTensor[] {
  const tensors: GgufTensor[] = [];
  const names = new Set<string>();
  for (let index = 0; index < count; index++) {
    const name = reader.string('a tensor name', maximumTensorNameBytes);
    if (name === '') throw new GgufFault('a tensor has no name');
    if (names.has(name)) throw new GgufFault(`the tensor ${shown(name)} comes twice`);
    names.add(name);
    const dimensions = reader.uint32();
    if (dimensions < 1 || dimensions > maximumDimensions) {
      throw new GgufFault(`the tensor ${shown(name)} has ${dimensions} dimensions`);
    }
    const shape = Array.from({ length: dimensions }, () => reader.size('a dimension'));
    const typeNumber = reader.uint32();
    const type = ggmlTypes.get(typeNumber);
    if (type === undefined) throw new GgufFault(`the tensor ${shown(name)} has the unknown type ${typeNumber}`);
    const [row = 0] = shape;
    // One factor too many cannot hide in rounding: each product is checked on its way.
    const elements = shape.reduce((product, size) => {
      if (size < 1 || product * size > Number.MAX_SAFE_INTEGER) {
        throw new GgufFault(`the shape of the tensor ${shown(name)} is impossible`);
      }
      return product * size;
    }, 1);
    if (row % type.blockElements !== 0)
      throw new GgufFault(`the rows of the tensor ${shown(name)} do not fit its type`);
    const sizeBytes = (elements / type.blockElements) * type.blockBytes;
    tensors.push({ name, type: type.name, shape, offset: reader.size('a tensor offset'), sizeBytes });
  }
  return tensors;
}

/** Makes the offsets absolute; every tensor must lie aligned, inside the file, and apart from the others. */
function placeTensors(tensors: GgufTensor[], dataOffset: number, alignment: number, fileSizeBytes: number): void {
  for (const tensor of tensors) {
    if (tensor.offset % alignment !== 0) throw new GgufFault(`the tensor ${shown(tensor.name)} is not aligned`);
    tensor.offset += dataOffset;
    if (tensor.offset + tensor.sizeBytes > fileSizeBytes) {
      throw new GgufFault(`the tensor ${shown(tensor.name)} goes beyond the end of the file; it is cut off or damaged`);
    }
  }
  let end = dataOffset;
  for (const tensor of tensors.toSorted((a, b) => a.offset - b.offset)) {
    if (tensor.offset < end) throw new GgufFault(`the tensor ${shown(tensor.name)} overlaps another`);
    end = tensor.offset + tensor.sizeBytes;
  }
}

function textOf(metadata: Map<string, GgufValue>, key: string): string | undefined {
  const value = metadata.get(key);
  return typeof value === 'string' ? value : undefined;
}

/** Safe to print: a hostile name may hold control characters. */
function shown(name: string): string {
  return JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name);
}
