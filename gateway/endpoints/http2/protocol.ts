/** Names and numbers of HTTP/2 (RFC 9113). */

/** What a client sends first. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/**
 * Every frame begins with
 *
 *     length (24) | type (8) | flags (8) | reserved (1), stream (31)
 */
export const FRAME_HEADER_BYTES = 9;
/** The largest payload that is received: SETTINGS_MAX_FRAME_SIZE has its initial value. */
export const MAX_FRAME_PAYLOAD = 16_384;
/** The largest value of SETTINGS_MAX_FRAME_SIZE. */
export const MAX_FRAME_SIZE_SETTING = 0xff_ffff;
/** Flow-control window of a stream and of a connection before any setting. */
export const INITIAL_WINDOW = 65_535;
export const MAX_WINDOW = 0x7fff_ffff;
export const MAX_STREAM_ID = 0x7fff_ffff;

export const FrameType = {
  Data: 0,
  Headers: 1,
  Priority: 2,
  RstStream: 3,
  Settings: 4,
  PushPromise: 5,
  Ping: 6,
  GoAway: 7,
  WindowUpdate: 8,
  Continuation: 9,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

export const Flag = {
  /** Of SETTINGS and PING. */
  Ack: 1,
  /** Of DATA and HEADERS. */
  EndStream: 1,
  /** Of HEADERS and CONTINUATION. */
  EndHeaders: 4,
  /** Of DATA and HEADERS. */
  Padded: 8,
  /** Of HEADERS. */
  Priority: 32,
} as const;

export const Setting = {
  HeaderTableSize: 1,
  EnablePush: 2,
  MaxConcurrentStreams: 3,
  InitialWindowSize: 4,
  MaxFrameSize: 5,
  MaxHeaderListSize: 6,
} as const;

export const ErrorCode = {
  NoError: 0,
  ProtocolError: 1,
  InternalError: 2,
  FlowControlError: 3,
  SettingsTimeout: 4,
  StreamClosed: 5,
  FrameSizeError: 6,
  RefusedStream: 7,
  Cancel: 8,
  CompressionError: 9,
  ConnectError: 10,
  EnhanceYourCalm: 11,
  InadequateSecurity: 12,
  Http11Required: 13,
} as const;
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];
