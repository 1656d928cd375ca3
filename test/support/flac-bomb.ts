const sampleRate = 16_000;
/** The largest that RFC 9639 allows. */
const blockSamples = 65_535;

/**
 * FLAC of silence: each frame says "one value, 65,535 times" (RFC 9639, section 9.2.3) in 17 bytes, so that an hour is 15 kB, and
 * 115 MB when it is decoded.
 *
 * @param declaredHours what the header says; 0 says nothing
 */
export function makeFlacBomb(hours: number, declaredHours = 0): Buffer {
  const head = Buffer.alloc(42);
  head.write('fLaC');
  head.set([0x80, 0, 0, 34], 4);
  head.writeUInt16BE(blockSamples, 8);
  head.writeUInt16BE(blockSamples, 10);
  const total = BigInt(Math.round(declaredHours * 3_600 * sampleRate));
  // 20 bits of rate, 3 of channels − 1, 5 of bits − 1, 36 of samples.
  head.writeBigUInt64BE((BigInt(sampleRate) << 44n) | (15n << 36n) | total, 18);
  const frames = Math.ceil((hours * 3_600 * sampleRate) / blockSamples);
  return Buffer.concat([head, ...Array.from({ length: frames }, (_, index) => frame(index))]);
}

function frame(number: number): Buffer {
  // Fixed block size, its length in 16 bits at the end of the header; 16 kHz, one channel, 16 bits.
  const header = [0xff, 0xf8, 0x75, 0x08, ...codedNumber(number), (blockSamples - 1) >> 8, (blockSamples - 1) & 0xff];
  header.push(checksum(header, 8, 0x07));
  // A constant subframe: 0.
  const body = [...header, 0, 0, 0];
  const sum = checksum(body, 16, 0x8005);
  return Buffer.from([...body, sum >> 8, sum & 0xff]);
}

/** As UTF-8 codes a character. */
function codedNumber(number: number): Buffer {
  return Buffer.from(String.fromCodePoint(number), 'utf8');
}

function checksum(bytes: readonly number[], bits: 8 | 16, polynomial: number): number {
  let sum = 0;
  for (const byte of bytes) {
    sum ^= byte << (bits - 8);
    for (let bit = 0; bit < 8; bit++) sum = (sum << 1) ^ ((sum >> (bits - 1)) & 1 ? (1 << bits) | polynomial : 0);
  }
  return sum;
}
