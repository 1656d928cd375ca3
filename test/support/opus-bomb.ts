/**
 * Ogg Opus of nothing: each packet of two bytes stands for 120 ms in which nothing was sent (RFC 6716, section 3.2.5), so that an
 * hour is 95 kB, and 660 MB when it is decoded.
 */
export function makeOpusBomb(hours: number): Buffer {
  const head = Buffer.alloc(19);
  head.write('OpusHead', 0);
  head.set([1, 1], 8);
  head.writeUInt32LE(48_000, 12);
  const tags = Buffer.alloc(16);
  tags.write('OpusTags', 0);
  const nothing = Buffer.from([0x1b, 0x02]);
  const perPage = 255;
  const pages = Math.ceil((hours * 3_600) / 0.12 / perPage);
  const parts = [page([head], 0, 0), page([tags], 1, 0)];
  for (let index = 1; index <= pages; index++) {
    parts.push(page(Array<Buffer>(perPage).fill(nothing), index + 1, index * perPage * 5_760, index === pages));
  }
  return Buffer.concat(parts);
}

/** RFC 3533. `position` in samples at 48 kHz. */
function page(packets: readonly Buffer[], number: number, position: number, isLast = false): Buffer {
  const head = Buffer.alloc(27);
  head.write('OggS', 0);
  head[5] = (number === 0 ? 2 : 0) | (isLast ? 4 : 0);
  head.writeBigUInt64LE(BigInt(position), 6);
  head.writeUInt32LE(7, 14);
  head.writeUInt32LE(number, 18);
  head[26] = packets.length;
  const whole = Buffer.concat([head, Buffer.from(packets.map(({ length }) => length)), ...packets]);
  let sum = 0;
  for (const byte of whole) {
    sum ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) sum = (sum << 1) ^ (sum < 0 ? 0x04c1_1db7 : 0);
  }
  whole.writeUInt32LE(sum >>> 0, 22);
  return whole;
}
