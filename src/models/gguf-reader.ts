/** More bytes than were handed in are needed to go on; the caller reads more and starts over. */
export class NeedsMoreBytes extends Error {}

/** What is wrong with a file, in words. `readGgufHeader` makes a catalogue error of it. */
export class GgufFault extends Error {}

const decoder = new TextDecoder('utf-8');

/**
 * Reads little-endian values from the start of a file of which only a prefix is in memory. Every length is checked
 * against the whole file before anything is read or allocated.
 */
export class GgufReader {
  readonly #bytes: Buffer;
  readonly #fileBytes: number;
  position = 0;

  constructor(prefix: Uint8Array, fileBytes: number) {
    this.#bytes = Buffer.from(prefix.buffer, prefix.byteOffset, prefix.byteLength);
    this.#fileBytes = fileBytes;
  }

  /** Bytes of the file behind the position. */
  get remainingBytes(): number {
    return this.#fileBytes - this.position;
  }

  /** Moves on by `count` bytes and returns where they start. */
  take(count: number): number {
    if (count > this.remainingBytes) throw new GgufFault('it ends in the middle of its header');
    if (this.position + count > this.#bytes.length) throw new NeedsMoreBytes();
    const start = this.position;
    this.position += count;
    return start;
  }

  uint8(): number {
    return this.#bytes.readUInt8(this.take(1));
  }

  uint32(): number {
    return this.#bytes.readUInt32LE(this.take(4));
  }

  /** For counts, lengths and offsets: nothing real comes near 2⁵³. */
  size(what: string): number {
    const start = this.take(8);
    const high = this.#bytes.readUInt32LE(start + 4);
    if (high >= 0x200000) throw new GgufFault(`${what} is absurdly large`);
    return high * 0x1_0000_0000 + this.#bytes.readUInt32LE(start);
  }

  string(what: string, maximumBytes: number): string {
    const length = this.size(`the length of ${what}`);
    if (length > maximumBytes) throw new GgufFault(`${what} is ${length} bytes long, more than ${maximumBytes}`);
    const start = this.take(length);
    return decoder.decode(this.#bytes.subarray(start, start + length));
  }

  /** Walks over `count` strings without making any; a vocabulary has hundreds of thousands. */
  skipStrings(count: number): void {
    const bytes = this.#bytes;
    for (let index = 0; index < count; index++) {
      const start = this.take(8);
      const length = bytes.readUInt32LE(start);
      if (bytes.readUInt32LE(start + 4) !== 0) throw new GgufFault('a string in a list is absurdly long');
      this.take(length);
    }
  }

  /** One scalar by its GGUF type number (0–7, 10–12). */
  scalar(type: number): number | bigint | boolean {
    const bytes = this.#bytes;
    switch (type) {
      case 0:
        return bytes.readUInt8(this.take(1));
      case 1:
        return bytes.readInt8(this.take(1));
      case 2:
        return bytes.readUInt16LE(this.take(2));
      case 3:
        return bytes.readInt16LE(this.take(2));
      case 4:
        return bytes.readUInt32LE(this.take(4));
      case 5:
        return bytes.readInt32LE(this.take(4));
      case 6:
        return bytes.readFloatLE(this.take(4));
      case 7:
        return bytes.readUInt8(this.take(1)) !== 0;
      case 10:
        return narrow(bytes.readBigUInt64LE(this.take(8)));
      case 11:
        return narrow(bytes.readBigInt64LE(this.take(8)));
      case 12:
        return bytes.readDoubleLE(this.take(8));
      default:
        throw new GgufFault(`it uses the unknown value type ${type}`);
    }
  }
}

/** A number wherever it is exact. */
function narrow(value: bigint): number | bigint {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}
