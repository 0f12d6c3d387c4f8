import { Code } from '../../engine/codes.ts';
import { MIN_SCHEMA_VERSION, SCHEMA_VERSION, supportsSchema } from '../../engine/wire/frames.ts';
import { MAX_SESSION_NUMBER } from '../../engine/wire/session-number.ts';
import { type Reject, reject } from '../reject.ts';
import { LONGEST_GRACE } from './cancel-on-disconnect.ts';

/** Oldest and newest schema version, as in the response header `x-openbell-schema`. */
export const SUPPORTED_SCHEMAS = `${MIN_SCHEMA_VERSION}-${SCHEMA_VERSION}`;
/** The same range for messages. */
export const SUPPORTED_TEXT = `versions ${MIN_SCHEMA_VERSION} to ${SCHEMA_VERSION}`;

/** The caller's metadata. */
export interface Caller {
  readonly account: number;
  /** Undefined: only new reports are sent. */
  readonly lastReport: number | undefined;
  /** Wire schema of the answers; undefined: that of the client's first frame. */
  readonly schema: number | undefined;
  /** Seconds after which the orders of the session are cancelled when it is gone; undefined: they stay. */
  readonly grace: number | undefined;
  /** Number of the session, of those with which the account is connected; 0 if its orders stay. */
  readonly session: number;
}

/** What the protocol of a caller calls the claims: texts name them as the caller does. */
export interface ClaimNames {
  readonly account: string;
  readonly lastReport: string;
  /** 1: the claim is the first report that is wanted, and not the last one that the client has. */
  readonly reportOffset: 0 | 1;
  readonly cancelOnDisconnect: string;
  readonly sessionNumber: string;
}

/** What a call or an upgrade claims, unverified: metadata of gRPC, the query of a WebSocket. */
export interface CallerClaims {
  readonly names: ClaimNames;
  readonly schema: string | undefined;
  readonly account: string | undefined;
  readonly lastReport: string | undefined;
  readonly cancelOnDisconnect: string | undefined;
  readonly sessionNumber: string | undefined;
}

/** Names of the claims in metadata and headers. */
export const CANCEL_ON_DISCONNECT = 'x-openbell-cancel-on-disconnect';
export const SESSION_NUMBER = 'x-openbell-session-number';

export const IN_METADATA: ClaimNames = {
  account: 'x-openbell-account',
  lastReport: 'x-openbell-last-report',
  reportOffset: 0,
  cancelOnDisconnect: CANCEL_ON_DISCONNECT,
  sessionNumber: SESSION_NUMBER,
};
export const IN_QUERY: ClaimNames = {
  account: 'account',
  lastReport: 'last-report',
  reportOffset: 0,
  cancelOnDisconnect: 'cancel-on-disconnect',
  sessionNumber: 'session-number',
};

/** The claim with which a client gets the reports after number `last`. */
export function resumption({ lastReport, reportOffset }: ClaimNames, last: number): string {
  return `${lastReport} ${last + reportOffset}`;
}

/** The account id in the claims, of an account that need not exist; or why it is none. */
export function readAccount({ account, names }: CallerClaims): number | Reject {
  const id = readNumber(account, 0xffff_ffff);
  if (id !== undefined && id !== 0) return id;
  return reject(Code.BAD_RANGE, `${names.account} must be given exactly once: an account id from 1`);
}

/** Reads all claims; a repeated value is joined with a comma and rejected. */
export function readCaller(claims: CallerClaims, accountExists: (account: number) => boolean): Caller | Reject {
  const { schema, lastReport, cancelOnDisconnect, sessionNumber, names } = claims;
  const version = readSchema(schema);
  if (typeof version === 'object') return version;
  const id = readAccount(claims);
  if (typeof id === 'object') return id;
  if (!accountExists(id)) {
    return reject(Code.UNKNOWN_ACCOUNT, `there is no account ${id}: the operator defines accounts`);
  }
  const last = readNumber(lastReport, Number.MAX_SAFE_INTEGER);
  if (last === undefined && lastReport !== undefined) {
    return reject(Code.BAD_RANGE, `${names.lastReport} must be one report number from ${names.reportOffset}, or left out`);
  }
  const grace = readNumber(cancelOnDisconnect, LONGEST_GRACE);
  if (grace === undefined && cancelOnDisconnect !== undefined) {
    return reject(Code.BAD_RANGE, `${names.cancelOnDisconnect} must be 0 to ${LONGEST_GRACE} seconds, or left out`);
  }
  const session = readNumber(sessionNumber, MAX_SESSION_NUMBER) ?? 1;
  if (sessionNumber !== undefined && (session === 0 || String(session) !== sessionNumber || grace === undefined)) {
    return reject(
      Code.BAD_RANGE,
      `${names.sessionNumber} must be 1 to ${MAX_SESSION_NUMBER}, and come with ${names.cancelOnDisconnect}; or be left out`,
    );
  }
  return { account: id, lastReport: last, schema: version, grace, session: grace === undefined ? 0 : session };
}

/** The requested schema version of the answers; undefined: none was requested. */
export function readSchema(schema: string | undefined): number | undefined | Reject {
  if (schema === undefined) return undefined;
  const version = readNumber(schema, Number.MAX_SAFE_INTEGER);
  if (version !== undefined && supportsSchema(version)) return version;
  return reject(
    Code.WRONG_SCHEMA_VERSION,
    `the requested schema version is ${/^\d{1,20}$/.test(schema) ? schema : 'not a number'}; this exchange supports ${SUPPORTED_TEXT}`,
  );
}

function readNumber(text: string | undefined, max: number): number | undefined {
  if (text === undefined || !/^(0|[1-9]\d{0,15})$/.test(text)) return undefined;
  const value = Number(text);
  return value <= max ? value : undefined;
}

/** Headers of the answer that opens a session: the account's last report, the schemas, and what the session asked for and will get. */
export function sessionHeaders({
  last,
  grace,
  session,
}: { readonly last: number } & Pick<Caller, 'grace' | 'session'>): Record<string, string> {
  const headers = { 'x-openbell-last-report': String(last), 'x-openbell-schema': SUPPORTED_SCHEMAS };
  return grace === undefined ? headers : { ...headers, [CANCEL_ON_DISCONNECT]: String(grace), [SESSION_NUMBER]: String(session) };
}
