import type { LineFault } from './line-fault.ts';
import type { SocketEvents, VenueSocket } from './venue-socket.ts';

/** Frames that wait, at most; then the first connection is given up early. Seconds of a full line. */
const MAX_FRAMES = 65_536;
const MAX_BYTES = 32 * 2 ** 20;

export interface ReplacementEvents {
  /** The two connections have overlapped for long enough, or no more can wait. Once. */
  ready(replacement: Replacement): void;
  /** It ended before it took over. Nothing comes after it. */
  ended(fault: LineFault): void;
}

/**
 * A second connection of a line, opened before the first one ends. What it brings waits until the first one is given up,
 * so that the adapter reads one connection at a time and misses nothing of both: whatever the first one had not brought
 * by then is among what waits, unless it was behind by more than the overlap.
 */
export class Replacement implements SocketEvents {
  readonly #events: ReplacementEvents;
  readonly #overlapMs: number;
  readonly #cancelled = new AbortController();
  #frames: (readonly [bytes: Uint8Array, binary: boolean])[] = [];
  #bytes = 0;
  #socket: VenueSocket | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Why it was given up. */
  #given: LineFault | undefined;
  /** Gets the frames after the change. */
  #target: Pick<SocketEvents, 'frame' | 'closed'> | undefined;

  /** @param overlapMs how long both are open */
  constructor(overlapMs: number, events: ReplacementEvents) {
    this.#overlapMs = overlapMs;
    this.#events = events;
  }

  /** Aborted by {@link cancel}, for the attempt to connect. */
  get signal(): AbortSignal {
    return this.#cancelled.signal;
  }

  get isOpen(): boolean {
    return this.#socket !== undefined;
  }

  opened(socket: VenueSocket): void {
    this.#socket = socket;
    if (this.#given !== undefined) return socket.end(this.#given);
    this.#timer = setTimeout(() => this.#events.ready(this), this.#overlapMs);
  }

  frame(bytes: Uint8Array, binary: boolean): void {
    if (this.#target !== undefined) return this.#target.frame(bytes, binary);
    this.#frames.push([bytes, binary]);
    this.#bytes += bytes.length;
    if (this.#frames.length < MAX_FRAMES && this.#bytes < MAX_BYTES) return;
    this.#events.ready(this);
  }

  closed(fault: LineFault): void {
    clearTimeout(this.#timer);
    if (this.#target !== undefined) this.#target.closed(fault);
    else if (!this.#cancelled.signal.aborted) this.#events.ended(fault);
    this.#socket = undefined;
  }

  /** It is the line's connection from here on: frames and the end go to `target`. @returns what has waited, oldest first */
  takeOver(target: Pick<SocketEvents, 'frame' | 'closed'>): {
    readonly socket: VenueSocket;
    readonly frames: readonly (readonly [bytes: Uint8Array, binary: boolean])[];
  } {
    const socket = this.#socket;
    if (socket === undefined) throw new Error('a replacement that is not open cannot take over');
    clearTimeout(this.#timer);
    this.#target = target;
    const frames = this.#frames;
    this.#frames = [];
    return { socket, frames };
  }

  /** Gives it up. No event follows. */
  cancel(fault: LineFault): void {
    clearTimeout(this.#timer);
    this.#given = fault;
    this.#cancelled.abort();
    this.#frames = [];
    this.#socket?.end(fault);
  }
}
