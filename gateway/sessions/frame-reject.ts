import { Code } from '../../engine/codes.ts';
import { MAX_FRAME_BYTES, MAX_FRAME_COMMANDS, SCHEMA_VERSION } from '../../engine/wire/frames.ts';
import { type Reject, reject } from '../reject.ts';
import { SUPPORTED_TEXT } from './order-caller.ts';

/** The reject that ends a session or a call after an unreadable frame. @param version the frame's schema version */
export function frameReject(code: Code, version: number): Reject {
  switch (code) {
    case Code.WRONG_SCHEMA_VERSION:
      return reject(
        code,
        version > SCHEMA_VERSION
          ? `the frame has schema version ${version}, written by a newer openbell; this exchange supports ${SUPPORTED_TEXT}`
          : `the frame has schema version ${version}; this exchange supports ${SUPPORTED_TEXT}: use a client for one of them`,
      );
    case Code.FRAME_TOO_LARGE:
      return reject(code, `a frame holds at most ${MAX_FRAME_COMMANDS} commands and ${MAX_FRAME_BYTES} bytes: send several`);
    default:
      return reject(code, 'the message is not a CommandFrame of openbell.fbs');
  }
}
