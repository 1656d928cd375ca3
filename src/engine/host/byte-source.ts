/** Bytes that are fetched a range at a time, so that whoever reads them never holds the whole. */
export type ByteSource = {
  readonly sizeBytes: number;
  /** `0 ≤ start ≤ end ≤ sizeBytes`; exactly that many bytes. */
  read(start: number, end: number): Promise<Uint8Array>;
};

/** Bytes that are in memory anyway. */
export function heldBytes(bytes: Uint8Array): ByteSource {
  return { sizeBytes: bytes.length, read: async (start, end) => bytes.subarray(start, end) };
}
