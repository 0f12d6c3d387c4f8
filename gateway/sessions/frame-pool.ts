/** Chunks hold from 256 bytes to the largest frame, rounded up to a power of two. */
const MIN_BITS = 8;
const MAX_BITS = 18;
/** Free memory that the pool keeps: enough for the frames in flight of the busy sessions. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;
/** Frames up to so many bytes are kept as they are: reports have few lengths, those of one to some ten of them, with the transport's headroom. */
const MAX_WHOLE_BYTES = 2048;
/** Lengths that are kept so, and frames of each: half of the memory of the pool at most. */
const MAX_LENGTHS = 64;
const MAX_OF_A_LENGTH = 16;

/**
 * Memory for outgoing frames, used again once a frame is written. New memory for
 * each frame is external memory to V8, which reacts with a full collection every
 * few thousand frames. Short frames are kept with their buffers: a new buffer on old
 * memory costs as much as the copy of a frame, and is garbage. I/O thread.
 */
export class FramePool {
  /** Free chunks, by the logarithm of their size. */
  readonly #free: ArrayBuffer[][] = Array.from({ length: MAX_BITS + 1 }, () => []);
  /** Free frames, by their length. */
  readonly #whole = new Map<number, Buffer[]>();
  #keptBytes = 0;

  /** A buffer of `bytes` with undefined content. It is the caller's, who may `give` it back. */
  take(bytes: number): Buffer {
    const bits = bytes <= 1 << MIN_BITS ? MIN_BITS : 32 - Math.clz32(bytes - 1);
    if (bits > MAX_BITS) return Buffer.allocUnsafe(bytes);
    const whole = this.#whole.get(bytes)?.pop();
    if (whole !== undefined) {
      this.#keptBytes -= 1 << bits;
      return whole;
    }
    const chunk = this.#free[bits].pop();
    if (chunk === undefined) return Buffer.from(new ArrayBuffer(1 << bits), 0, bytes);
    this.#keptBytes -= 1 << bits;
    return Buffer.from(chunk, 0, bytes);
  }

  /** Takes a buffer of `take` back; nothing may read or write it any more. */
  give(frame: Buffer): void {
    const { buffer, length } = frame;
    const bits = 31 - Math.clz32(buffer.byteLength);
    const ours = buffer.byteLength === 1 << bits && bits >= MIN_BITS && bits <= MAX_BITS;
    if (!ours || this.#keptBytes + buffer.byteLength > MAX_KEPT_BYTES) return;
    this.#keptBytes += buffer.byteLength;
    const whole = length <= MAX_WHOLE_BYTES ? this.#ofLength(length) : undefined;
    if (whole !== undefined && whole.length < MAX_OF_A_LENGTH) whole.push(frame);
    else this.#free[bits].push(buffer as ArrayBuffer);
  }

  #ofLength(length: number): Buffer[] | undefined {
    const known = this.#whole.get(length);
    if (known !== undefined || this.#whole.size === MAX_LENGTHS) return known;
    const added: Buffer[] = [];
    this.#whole.set(length, added);
    return added;
  }
}
