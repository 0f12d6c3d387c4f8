/**
 * A recorded session with a venue, as text, plain or gzipped (`.gz`): a JSON object a line.
 *
 *   {"t":"header","format":2,"exchange":"KRAKEN",...}                                  the first line
 *   {"t":"http","conn":C,"ts":S,"url":U,"data":D}                                      the answer to a GET of U
 *   {"t":"connect","conn":C,"ts":S,"addr":A}                                           a WebSocket was opened
 *   {"t":"send","conn":C,"ts":S,"data":D} · {"t":"recv","conn":C,"ts":S,"data":D}      a frame, as text; with
 *                                                     "encoding":"base64" behind "ts", a binary frame
 *
 * `ts` is in seconds since 1970. Lines of one connection are in the order of time; those of different connections may
 * stand one connection after the other.
 */
export interface CaptureHeader {
  readonly kind: 'header';
  readonly exchange: string;
}

export interface CaptureConnect {
  readonly kind: 'connect';
  readonly conn: string;
  readonly timeUs: number;
  readonly address: string;
}

export interface CaptureFrame {
  readonly kind: 'send' | 'recv';
  readonly conn: string;
  readonly timeUs: number;
  readonly data: string;
  /** A binary frame: `data` is its base64. */
  readonly binary?: true;
}

export interface CaptureAnswer {
  readonly kind: 'http';
  readonly conn: string;
  readonly timeUs: number;
  readonly url: string;
  readonly data: string;
}

export type CaptureEvent = CaptureConnect | CaptureFrame | CaptureAnswer;
export type CaptureLine = CaptureHeader | CaptureEvent;
