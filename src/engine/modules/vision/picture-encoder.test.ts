import { setMaxListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { DecodedPicture } from '../../../core/perception.ts';
import type { PictureSegment } from '../../native/projector.ts';
import { PictureCache } from './picture-cache.ts';
import { PictureEncoder, type Projector } from './picture-encoder.ts';
import { PictureNames } from './picture-names.ts';

const never = new AbortController().signal;
setMaxListeners(0, never);

function picture(sha256: string, width = 4): DecodedPicture {
  return { width, height: 4, rgb: new Uint8Array(width * 4 * 3), sha256 };
}

/** Two tiles of four tokens with a mark before each; tells what it was asked for, and can be held back. */
class FakeProjector implements Projector {
  prepared = 0;
  encoded = 0;
  open = 0;
  disposed = false;
  running = 0;
  gate: Promise<void> = Promise.resolve();

  async prepare() {
    this.prepared++;
    this.open++;
    const piece: PictureSegment = {
      kind: 'picture',
      count: 4,
      positions: 4,
      grid: undefined,
      isCausal: true,
      chunk: 1n,
    };
    const mark: PictureSegment = { kind: 'tokens', tokens: Int32Array.of(7) };
    return { segments: [mark, piece, mark, piece], dispose: () => void this.open-- };
  }

  async encode(): Promise<Float32Array> {
    expect(++this.running).toBe(1);
    await this.gate;
    this.running--;
    return new Float32Array(16).fill(++this.encoded);
  }

  dispose(): void {
    expect(this.running).toBe(0);
    this.disposed = true;
  }
}

function create(cacheBytes = 10_000) {
  const projector = new FakeProjector();
  return { projector, encoder: new PictureEncoder(projector, cacheBytes) };
}

describe('the picture encoder', () => {
  it('encodes a picture once, however many ask, and keeps no native memory', async () => {
    const { projector, encoder } = create();
    const measured = await encoder.measure(picture('a'));
    const asked = await Promise.all([1, 2, 3].map(() => encoder.encode(picture('a'), measured, never)));
    expect(asked.map((each) => each.map((tile) => tile[0]))).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ]);
    await encoder.encode(picture('a'), measured, never);
    expect([projector.encoded, projector.open]).toEqual([2, 0]);
    expect(encoder.statistics()).toMatchObject({ encoded: 1, fromCache: 1 });
  });

  it('takes the same file at another size for another picture', async () => {
    const { encoder } = create();
    const small = await encoder.measure(picture('a', 4));
    const large = await encoder.measure(picture('a', 8));
    expect(small.key).not.toBe(large.key);
  });

  it('lets the one go who leaves, and finishes what has begun for the next question', async () => {
    const { projector, encoder } = create();
    let open = (): void => {};
    projector.gate = new Promise((resolve) => {
      open = resolve;
    });
    const measured = await encoder.measure(picture('a'));
    const controller = new AbortController();
    const leaving = encoder.encode(picture('a'), measured, controller.signal);
    const staying = encoder.encode(picture('a'), measured, never);
    controller.abort(new Error('left'));
    await expect(leaving).rejects.toThrow('left');
    open();
    expect(await staying).toHaveLength(2);
  });

  it('stops between two tiles of a picture that nobody waits for', async () => {
    const { projector, encoder } = create();
    let open = (): void => {};
    projector.gate = new Promise((resolve) => {
      open = resolve;
    });
    const measured = await encoder.measure(picture('a'));
    const controller = new AbortController();
    const leaving = encoder.encode(picture('a'), measured, controller.signal);
    await expect.poll(() => projector.running).toBe(1);
    controller.abort(new Error('left'));
    await expect(leaving).rejects.toThrow('left');
    open();
    await expect.poll(() => projector.open).toBe(0);
    expect(projector.encoded).toBe(1);
    // The next question begins anew.
    expect(await encoder.encode(picture('a'), measured, never)).toHaveLength(2);
  });

  it('frees the projector after the call in progress, and works no more', async () => {
    const { projector, encoder } = create();
    const measured = await encoder.measure(picture('a'));
    let open = (): void => {};
    projector.gate = new Promise((resolve) => {
      open = resolve;
    });
    const encoding = encoder.encode(picture('a'), measured, never);
    await expect.poll(() => projector.running).toBe(1);
    const disposed = encoder.dispose();
    open();
    await disposed;
    expect(await encoding).toHaveLength(2);
    expect(projector.disposed).toBe(true);
    await expect(
      encoder.encode(picture('b'), measured, never).then(() => encoder.measure(picture('b'))),
    ).rejects.toMatchObject({
      code: 'engine_unavailable',
    });
  });
});

describe('the cache of encoded pictures', () => {
  it('keeps what was used last, within its bytes', () => {
    const cache = new PictureCache<{ sizeBytes: number }>(10);
    cache.set('a', { sizeBytes: 4 });
    cache.set('b', { sizeBytes: 4 });
    cache.get('a');
    cache.set('c', { sizeBytes: 4 });
    expect(['a', 'b', 'c'].map((key) => cache.get(key) !== undefined)).toEqual([true, false, true]);
    cache.set('large', { sizeBytes: 11 });
    expect([cache.get('large'), cache.sizeBytes]).toEqual([undefined, 8]);
  });
});

describe('the names of pictures', () => {
  it('are the same for the same picture and never shared', () => {
    const names = new PictureNames();
    const first = names.of('a', 3);
    const second = names.of('b', 2);
    expect([...first, ...second]).toEqual([-1, -2, -3, -4, -5]);
    expect(names.of('a', 3)).toEqual(first);
  });
});
