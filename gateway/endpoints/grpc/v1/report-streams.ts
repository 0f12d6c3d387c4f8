import { fromBinary } from '@bufbuild/protobuf';
import { Code } from '../../../../engine/codes.ts';
import { FairTurns } from '../../../fair-turns.ts';
import type { Visit } from '../../../identity/identity.ts';
import type { Principal } from '../../../identity/principal.ts';
import { SubscribeReportsRequestSchema } from '../../../protobuf/generated/openbell/v1/trading_pb.ts';
import { reject } from '../../../reject.ts';
import { type CallerClaims, type ClaimNames, IN_METADATA, sessionHeaders } from '../../../sessions/order-caller.ts';
import type { OrderSessions } from '../../../sessions/order-sessions.ts';
import { claimsOf } from '../admission.ts';
import type { GrpcCall } from '../call.ts';
import { OneRequest } from '../one-request.ts';
import { richStatusOf } from './rich-status.ts';
import type { SymbolTable } from './symbol-table.ts';
import { TradingSession } from './trading-session.ts';

/** What SubscribeReportsRequest calls the claims that it has. */
const IN_REQUEST: ClaimNames = { ...IN_METADATA, account: 'account', lastReport: 'from_report_no', reportOffset: 1 };

/** Streams of reports: Session and SubscribeReports of the service Trading. */
export class ReportStreams {
  readonly #sessions: OrderSessions;
  readonly #symbols: SymbolTable;
  readonly #turns = new FairTurns();

  constructor(sessions: OrderSessions, symbols: SymbolTable) {
    this.#sessions = sessions;
    this.#symbols = symbols;
  }

  /** Serves a Session of an authenticated caller, whose metadata name the account. */
  session(call: GrpcCall, principal: Principal, visit: Visit): void {
    const claims = claimsOf(call);
    const account = claims.account ?? ownAccount(principal);
    const admission = this.#sessions.admit({ ...claims, account }, principal, visit);
    if ('code' in admission) call.fail(richStatusOf(admission));
    else new TradingSession(call, admission, this.#sessions, this.#symbols, true, this.#turns);
  }

  /** Serves SubscribeReports of an authenticated caller, whose request names the account. */
  subscribe(call: GrpcCall, principal: Principal, visit: Visit): void {
    let stream: TradingSession | undefined;
    const begin = (bytes: Buffer): void => {
      const claims = requested(bytes, principal);
      if (claims === undefined)
        return call.fail(richStatusOf(reject(Code.MALFORMED_FRAME, 'the message is not a SubscribeReportsRequest')));
      const admission = this.#sessions.admit(claims, principal, visit);
      if ('code' in admission) return call.fail(richStatusOf(admission));
      call.accept(sessionHeaders(admission));
      stream = new TradingSession(call, admission, this.#sessions, this.#symbols, false, this.#turns);
    };
    call.serve(new OneRequest(call, begin, { onWritten: () => stream?.onWritten(), onClose: () => stream?.onClose() }));
  }
}

/** Undefined: the bytes are no request. */
function requested(bytes: Buffer, principal: Principal): CallerClaims | undefined {
  try {
    const { account, fromReportNo } = fromBinary(SubscribeReportsRequestSchema, bytes);
    return {
      names: IN_REQUEST,
      account: account === 0 ? ownAccount(principal) : String(account),
      // The last one that the client has; a 0 in place of the first one is refused there.
      lastReport: fromReportNo === undefined ? undefined : String(fromReportNo - 1n),
      schema: undefined,
      cancelOnDisconnect: undefined,
      sessionNumber: undefined,
    };
  } catch {
    return undefined;
  }
}

/** The account of the caller, if that is one. */
function ownAccount({ accounts, via }: Principal): string | undefined {
  if (via === 'open' || accounts.size !== 1) return undefined;
  return String(accounts.values().next().value);
}
