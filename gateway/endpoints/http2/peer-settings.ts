import { ErrorCode, MAX_FRAME_PAYLOAD, MAX_FRAME_SIZE_SETTING, MAX_WINDOW, Setting } from './protocol.ts';

/** Bytes of a setting: its number and its value. */
export const SETTING_BYTES = 6;

/** The settings of the peer that the server needs. The others are checked. */
export interface PeerSettings {
  initialWindow: number;
  maxFrame: number;
}

/** Reads the payload of a SETTINGS frame, a multiple of {@link SETTING_BYTES} long. @returns the error of the connection, or none */
export function readSettings(bytes: Buffer, at: number, end: number, into: PeerSettings): ErrorCode {
  for (let next = at; next < end; next += SETTING_BYTES) {
    const value = bytes.readUInt32BE(next + 2);
    switch (bytes.readUInt16BE(next)) {
      case Setting.EnablePush:
        if (value > 1) return ErrorCode.ProtocolError;
        break;
      case Setting.InitialWindowSize:
        if (value > MAX_WINDOW) return ErrorCode.FlowControlError;
        into.initialWindow = value;
        break;
      case Setting.MaxFrameSize:
        if (value < MAX_FRAME_PAYLOAD || value > MAX_FRAME_SIZE_SETTING) return ErrorCode.ProtocolError;
        into.maxFrame = value;
        break;
      default:
        break;
    }
  }
  return ErrorCode.NoError;
}
