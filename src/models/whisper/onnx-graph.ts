/**
 * Writes ONNX models: the few messages of `onnx.proto` that a converter needs, as protobuf. Field numbers are those of
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
 */
export type ElementType = 'float32' | 'uint8' | 'int8' | 'int32' | 'int64';
export type AttributeValue = number | { int: number } | { ints: number[] } | string;
/** A number, or a name for a size that is known only at run time. */
export type Dimension = number | string;

const elementCodes: Record<ElementType, number> = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7 };
const contribDomain = 'com.microsoft';

/** A graph under construction. Values are named by strings; `node` makes up the names of what it returns. */
export class OnnxGraph {
  readonly #nodes: Message[] = [];
  readonly #initializers: Message[] = [];
  readonly #inputs: Message[] = [];
  readonly #outputs: Message[] = [];
  readonly #constants = new Map<string, string>();
  #counter = 0;

  input(name: string, type: ElementType, shape: readonly Dimension[]): string {
    this.#inputs.push(valueInfo(name, type, shape));
    return name;
  }

  output(name: string, type: ElementType, shape: readonly Dimension[]): void {
    this.#outputs.push(valueInfo(name, type, shape));
  }

  /** An operator of ONNX itself with one result, called `name` where it is given. An empty input is an absent one. */
  node(operator: string, inputs: string[], attributes: Record<string, AttributeValue> = {}, name?: string): string {
    const output = name ?? `v${this.#counter++}`;
    this.nodeWithOutputs(operator, inputs, [output], attributes);
    return output;
  }

  /** An operator of ONNX Runtime's own set. */
  contrib(operator: string, inputs: string[], attributes: Record<string, AttributeValue> = {}, name?: string): string {
    const output = name ?? `v${this.#counter++}`;
    this.nodeWithOutputs(operator, inputs, [output], attributes, contribDomain);
    return output;
  }

  nodeWithOutputs(
    operator: string,
    inputs: string[],
    outputs: string[],
    attributes: Record<string, AttributeValue> = {},
    domain = '',
  ): void {
    const message = new Message();
    for (const each of inputs) message.string(1, each);
    for (const each of outputs) message.string(2, each);
    message.string(3, `n${this.#nodes.length}`);
    message.string(4, operator);
    for (const [name, value] of Object.entries(attributes)) message.message(5, attribute(name, value));
    if (domain !== '') message.string(7, domain);
    this.#nodes.push(message);
  }

  floats(name: string, shape: readonly number[], data: Float32Array): string {
    return this.#initializer(name, 'float32', shape, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }

  bytes(name: string, type: 'uint8' | 'int8', shape: readonly number[], data: Uint8Array | Int8Array): string {
    return this.#initializer(name, type, shape, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }

  /** Small constants, kept once each. `shape` `[]` is a scalar. */
  int64s(values: readonly number[], shape: readonly number[] = [values.length]): string {
    return this.#constant('int64', shape, values, () => new BigInt64Array(values.map(BigInt)));
  }

  uint8(value: number): string {
    return this.#constant('uint8', [], [value], () => new Uint8Array([value]));
  }

  scalar(value: number): string {
    return this.#constant('float32', [], [value], () => new Float32Array([value]));
  }

  /** @returns the chunks of the file, in order; the data of the tensors is not copied */
  build(name: string): Uint8Array[] {
    const graph = new Message();
    for (const node of this.#nodes) graph.message(1, node);
    graph.string(2, name);
    for (const initializer of this.#initializers) graph.message(5, initializer);
    for (const input of this.#inputs) graph.message(11, input);
    for (const output of this.#outputs) graph.message(12, output);
    const model = new Message();
    model.integer(1, 9);
    model.string(2, 'duanyun');
    model.message(7, graph);
    model.message(8, new Message().integer(2, 17));
    model.message(8, new Message().string(1, contribDomain).integer(2, 1));
    return model.chunks;
  }

  #constant(
    type: ElementType,
    shape: readonly number[],
    values: readonly number[],
    make: () => ArrayBufferView,
  ): string {
    const key = `${type}[${shape.join()}]${values.join()}`;
    let name = this.#constants.get(key);
    if (name === undefined) {
      name = `c${this.#counter++}`;
      const data = make();
      this.#initializer(name, type, shape, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      this.#constants.set(key, name);
    }
    return name;
  }

  #initializer(name: string, type: ElementType, shape: readonly number[], data: Uint8Array): string {
    const message = new Message();
    for (const size of shape) message.integer(1, size);
    message.integer(2, elementCodes[type]);
    message.string(8, name);
    message.bytes(9, data);
    this.#initializers.push(message);
    return name;
  }
}

function valueInfo(name: string, type: ElementType, shape: readonly Dimension[]): Message {
  const dimensions = new Message();
  for (const size of shape) {
    dimensions.message(1, typeof size === 'number' ? new Message().integer(1, size) : new Message().string(2, size));
  }
  const tensor = new Message().integer(1, elementCodes[type]).message(2, dimensions);
  return new Message().string(1, name).message(2, new Message().message(1, tensor));
}

function attribute(name: string, value: AttributeValue): Message {
  const message = new Message().string(1, name);
  if (typeof value === 'number') return message.float(2, value).integer(20, 1);
  if (typeof value === 'string') return message.string(4, value).integer(20, 3);
  if ('int' in value) return message.integer(3, value.int).integer(20, 2);
  for (const each of value.ints) message.integer(8, each);
  return message.integer(20, 7);
}

/** One protobuf message as a list of chunks, so that large data is never copied. */
class Message {
  readonly chunks: Uint8Array[] = [];
  #sizeBytes = 0;

  integer(field: number, value: number): this {
    return this.#append(varint(field << 3), varint(value));
  }
  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#append(varint((field << 3) | 5), bytes);
  }
  string(field: number, value: string): this {
    return this.bytes(field, Buffer.from(value, 'utf8'));
  }
  bytes(field: number, value: Uint8Array): this {
    return this.#append(varint((field << 3) | 2), varint(value.length), value);
  }
  message(field: number, value: Message): this {
    return this.#append(varint((field << 3) | 2), varint(value.#sizeBytes), ...value.chunks);
  }

  #append(...chunks: Uint8Array[]): this {
    for (const chunk of chunks) {
      if (chunk.length === 0) continue;
      this.chunks.push(chunk);
      this.#sizeBytes += chunk.length;
    }
    return this;
  }
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  // Negative numbers are 64-bit two's complement.
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 0x80);
  } while (rest !== 0n);
  return Uint8Array.from(bytes);
}
