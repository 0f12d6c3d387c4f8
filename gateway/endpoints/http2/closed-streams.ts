/** How a stream ended: both sides closed it, or one of them reset it. */
export const StreamEnd = { Unknown: 0, Complete: 1, ByPeer: 2, ByUs: 3 } as const;
export type StreamEnd = (typeof StreamEnd)[keyof typeof StreamEnd];

/** As many as a connection may have open: a burst of resets does not displace its own. A power of two. */
const KEPT = 1024;

/** How the last streams of a connection ended: it decides what a late frame of them means. */
export class ClosedStreams {
  /** Half of the odd stream's id, and its end in the two lowest bits. Allocated with the first. */
  #ends: Uint32Array | undefined;
  #count = 0;

  add(stream: number, end: StreamEnd): void {
    this.#ends ??= new Uint32Array(KEPT);
    this.#ends[this.#count++ & (KEPT - 1)] = ((stream >>> 1) << 2) | end;
  }

  /** Unknown: it was never open, or its end is long ago. It searches; only late frames ask. */
  find(stream: number): StreamEnd {
    const ends = this.#ends;
    if (ends === undefined) return StreamEnd.Unknown;
    const key = stream >>> 1;
    for (let i = 0; i < KEPT; i++) if (ends[i] >>> 2 === key && (ends[i] & 3) !== 0) return (ends[i] & 3) as StreamEnd;
    return StreamEnd.Unknown;
  }
}
