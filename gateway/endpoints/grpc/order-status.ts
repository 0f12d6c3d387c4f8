import { Code, codeName } from '../../../engine/codes.ts';
import { MAX_FRAME_BYTES, MAX_FRAME_COMMANDS, MIN_SCHEMA_VERSION, SCHEMA_VERSION, speaksSchema } from '../../../engine/wire/frames.ts';
import { type CallFault, GrpcStatus } from './status.ts';

const SPOKEN = `version ${MIN_SCHEMA_VERSION} to ${SCHEMA_VERSION}`;
/** The versions, as `x-openbell-schema` of a session's response headers names them: oldest and newest. */
export const SPOKEN_SCHEMAS = `${MIN_SCHEMA_VERSION}-${SCHEMA_VERSION}`;

/** What to end a call with after a frame that could not be read. */
export function frameFault(code: Code, version: number): CallFault {
  switch (code) {
    case Code.WRONG_SCHEMA_VERSION:
      return fault(
        GrpcStatus.FailedPrecondition,
        code,
        version > SCHEMA_VERSION
          ? `the frame has schema version ${version}, written by a newer openbell; this one speaks ${SPOKEN}`
          : `the frame has schema version ${version}, this exchange speaks ${SPOKEN}: use a client for one of them`,
      );
    case Code.FRAME_TOO_LARGE:
      return fault(
        GrpcStatus.ResourceExhausted,
        code,
        `a frame holds at most ${MAX_FRAME_COMMANDS} commands and ${MAX_FRAME_BYTES} bytes: send several`,
      );
    default:
      return fault(GrpcStatus.InvalidArgument, code, 'the message is not a CommandFrame of openbell.fbs');
  }
}

/** `details` starts with the code's name. */
export function fault(code: GrpcStatus, cause: Code, text: string): CallFault {
  return { code, details: `${codeName(cause)}: ${text}` };
}

/** Who calls, as the metadata says. */
export interface Caller {
  readonly account: number;
  /** Undefined: wants only new reports. */
  readonly lastReport: number | undefined;
  /** Wire schema of the answers; undefined: that of the client's first frame. */
  readonly schema: number | undefined;
}

/** What the metadata of a call says, before anything of it is believed. */
export interface CallerClaims {
  readonly schema: string | undefined;
  readonly account: string | undefined;
  readonly lastReport: string | undefined;
}

/** Reads `x-openbell-account`, `x-openbell-last-report` and `x-openbell-schema`; a value given twice comes as one with a comma, and is refused. */
export function readCaller({ schema, account, lastReport }: CallerClaims, accountExists: (account: number) => boolean): Caller | CallFault {
  const version = readNumber(schema, SCHEMA_VERSION);
  if (schema !== undefined && (version === undefined || !speaksSchema(version))) {
    return fault(
      GrpcStatus.FailedPrecondition,
      Code.WRONG_SCHEMA_VERSION,
      `x-openbell-schema is ${schema}, this exchange speaks ${SPOKEN}`,
    );
  }
  const id = readNumber(account, 0xffff_ffff);
  if (id === undefined || id === 0) {
    return fault(GrpcStatus.InvalidArgument, Code.BAD_RANGE, 'metadata x-openbell-account must be there once, an account id from 1');
  }
  if (!accountExists(id)) {
    return fault(GrpcStatus.NotFound, Code.UNKNOWN_ACCOUNT, `there is no account ${id}: the operator defines accounts`);
  }
  const last = readNumber(lastReport, Number.MAX_SAFE_INTEGER);
  if (last === undefined && lastReport !== undefined) {
    return fault(GrpcStatus.InvalidArgument, Code.BAD_RANGE, 'metadata x-openbell-last-report must be one report number, or left out');
  }
  return { account: id, lastReport: last, schema: version };
}

/** The account that claims name; undefined when they name none that there could be. */
export function accountOf({ account }: CallerClaims): number | undefined {
  return readNumber(account, 0xffff_ffff);
}

function readNumber(text: string | undefined, max: number): number | undefined {
  if (text === undefined || !/^(0|[1-9]\d{0,15})$/.test(text)) return undefined;
  const value = Number(text);
  return value <= max ? value : undefined;
}
