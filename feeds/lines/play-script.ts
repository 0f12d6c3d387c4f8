import { type CaptureEvent, frameBytes, type SortedCapture } from '../files/captures.ts';

/** What the server of a capture does next on a connection. */
export type PlayStep =
  /** Sends a frame. */
  | { readonly kind: 'frame'; readonly atUs: number; readonly text: Buffer; readonly binary?: true }
  /** From here on the answer is available; before the steps after it, it waits until a client asks for it. */
  | { readonly kind: 'answer'; readonly atUs: number; readonly url: string; readonly body: Buffer }
  /** The recorded client sent something because of the answer before: the steps after it wait until a client does. */
  | { readonly kind: 'request'; readonly atUs: number }
  /** Faults, for tests: ends the TCP connection with a reset, half-closes it, sends nothing more and reads nothing more. */
  | { readonly kind: 'cut' | 'half-close' | 'mute'; readonly atUs: number };

/** Connections of a capture that were open at the same time. They are played on one connection, by time. */
export interface PlaySession {
  /** The recorded client sent something before it got frames, so the server waits for a first message. */
  readonly waitsForMessage: boolean;
  /** By time. */
  readonly steps: readonly PlayStep[];
}

export interface PlayScript {
  readonly exchange: string;
  readonly sessions: readonly PlaySession[];
  /** All frames of all sessions. */
  readonly frames: number;
}

/** Frames and answers of a capture, connection by connection. */
export function playScript({ header, events }: SortedCapture): PlayScript {
  const sessions = sessionsOf(events);
  return { exchange: header.exchange, sessions, frames: sessions.reduce((sum, { steps }) => sum + framesOf(steps), 0) };
}

export function framesOf(steps: readonly PlayStep[]): number {
  return steps.reduce((sum, { kind }) => sum + (kind === 'frame' ? 1 : 0), 0);
}

interface Draft extends PlaySession {
  waitsForMessage: boolean;
  readonly steps: PlayStep[];
  frames: number;
  /** Index of the last event of its connections; -1: it has none yet. */
  until: number;
}

/** Connections whose times overlap form a session; an answer belongs to the session that runs, or comes next. */
function sessionsOf(events: readonly CaptureEvent[]): PlaySession[] {
  const lastOf = new Map<string, number>();
  for (const [index, event] of events.entries()) if (event.kind !== 'http') lastOf.set(event.conn, index);
  const sessions: Draft[] = [];
  const begin = () => {
    const session: Draft = { waitsForMessage: false, steps: [], frames: 0, until: -1 };
    sessions.push(session);
    return session;
  };
  let current = begin();
  let isAnswered = false;
  for (const [index, event] of events.entries()) {
    if (event.kind === 'http') {
      isAnswered = true;
      current.steps.push({ kind: 'answer', atUs: event.timeUs, url: event.url, body: Buffer.from(event.data) });
      continue;
    }
    if (current.until !== -1 && index > current.until) current = begin();
    current.until = Math.max(current.until, lastOf.get(event.conn) as number);
    if (event.kind === 'send' && current.frames === 0) current.waitsForMessage = true;
    if (event.kind === 'send' && isAnswered) {
      isAnswered = false;
      current.steps.push({ kind: 'request', atUs: event.timeUs });
    }
    if (event.kind !== 'recv') continue;
    current.frames++;
    current.steps.push({ kind: 'frame', atUs: event.timeUs, text: frameBytes(event), ...(event.binary && { binary: event.binary }) });
  }
  return sessions.filter(({ frames }) => frames > 0);
}
