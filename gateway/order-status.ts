import { type Metadata, status } from '@grpc/grpc-js';
import { Code, codeName } from '../engine/codes.ts';
import { MAX_FRAME_BYTES, MAX_FRAME_COMMANDS, SCHEMA_VERSION } from '../engine/wire/frames.ts';

/** How a call ends when it is refused as a whole: grpc-js takes it as an error. `details` starts with the code's name. */
export interface CallFault {
  readonly code: status;
  readonly details: string;
}

/** What to end a call with after a frame that could not be read. */
export function frameFault(code: Code, version: number): CallFault {
  switch (code) {
    case Code.WRONG_SCHEMA_VERSION:
      return fault(
        status.FAILED_PRECONDITION,
        code,
        `the frame has schema version ${version}, this exchange speaks version ${SCHEMA_VERSION}: use a client for version ${SCHEMA_VERSION}`,
      );
    case Code.FRAME_TOO_LARGE:
      return fault(
        status.RESOURCE_EXHAUSTED,
        code,
        `a frame holds at most ${MAX_FRAME_COMMANDS} commands and ${MAX_FRAME_BYTES} bytes: send several`,
      );
    default:
      return fault(status.INVALID_ARGUMENT, code, 'the message is not a CommandFrame of openbell.fbs');
  }
}

export function fault(code: status, cause: Code, text: string): CallFault {
  return { code, details: `${codeName(cause)}: ${text}` };
}

/** Who calls, as the metadata says. */
export interface Caller {
  readonly account: number;
  /** Undefined: wants only new reports. */
  readonly lastReport: number | undefined;
}

/** Reads `x-openbell-account`, `x-openbell-last-report` and `x-openbell-schema`. */
export function readCaller(metadata: Metadata, accountExists: (account: number) => boolean): Caller | CallFault {
  const schema = metadata.get('x-openbell-schema');
  if (schema.length > 0 && (schema.length > 1 || schema[0] !== String(SCHEMA_VERSION))) {
    return fault(
      status.FAILED_PRECONDITION,
      Code.WRONG_SCHEMA_VERSION,
      `x-openbell-schema is ${schema.join(', ')}, this exchange speaks version ${SCHEMA_VERSION}`,
    );
  }
  const account = readNumber(metadata, 'x-openbell-account', 0xffff_ffff);
  if (account === undefined || account === 0) {
    return fault(status.INVALID_ARGUMENT, Code.BAD_RANGE, 'metadata x-openbell-account must be there once, an account id from 1');
  }
  if (!accountExists(account)) {
    return fault(status.NOT_FOUND, Code.UNKNOWN_ACCOUNT, `there is no account ${account}: the operator defines accounts`);
  }
  const lastReport = readNumber(metadata, 'x-openbell-last-report', Number.MAX_SAFE_INTEGER);
  if (lastReport === undefined && metadata.get('x-openbell-last-report').length > 0) {
    return fault(status.INVALID_ARGUMENT, Code.BAD_RANGE, 'metadata x-openbell-last-report must be one report number, or left out');
  }
  return { account, lastReport };
}

function readNumber(metadata: Metadata, key: string, max: number): number | undefined {
  const values = metadata.get(key);
  const text = values[0];
  if (values.length !== 1 || typeof text !== 'string' || !/^(0|[1-9]\d{0,15})$/.test(text)) return undefined;
  const value = Number(text);
  return value <= max ? value : undefined;
}
