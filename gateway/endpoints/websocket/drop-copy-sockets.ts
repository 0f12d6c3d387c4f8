import { Code } from '../../../engine/codes.ts';
import { MAX_DROP_COPY_ACCOUNTS } from '../../../engine/wire/drop-copy-frame.ts';
import { ResumePoint } from '../../../engine/wire/layout.ts';
import type { Identity } from '../../identity/identity.ts';
import type { LimitCounters } from '../../limit-counters.ts';
import { reject } from '../../reject.ts';
import type { CopyAdmission, DropCopies } from '../../sessions/drop-copies.ts';
import type { DropCopy } from '../../sessions/drop-copy.ts';
import { SUPPORTED_SCHEMAS } from '../../sessions/order-caller.ts';
import type { SocketRoutes } from './socket-server.ts';
import { type StreamRoute, serveStreams } from './socket-streams.ts';

const PATH = '/v1/drop-copy';

/** Drop copies over WebSocket, at `/v1/drop-copy`: the messages are those of gRPC. */
export function serveDropCopySockets(
  app: SocketRoutes,
  copies: DropCopies,
  identity: Identity,
  limits: LimitCounters,
  pings?: number,
): void {
  const route: StreamRoute<CopyAdmission, DropCopy, Buffer> = {
    path: PATH,
    what: 'WebSocket drop copy',
    protocol: 'binary',
    parameters: ['schema'],
    notBelow: `drop copies are at ${PATH}, without a further slash`,
    admit: (query, { principal, visit }) => copies.admit(query.get('schema') ?? undefined, principal, visit),
    open: (transport, admission) => copies.open(transport, admission),
    onMessage: (copy, message, isBinary) => {
      if (isBinary) copy.onMessage(new Uint8Array(message), 0, message.byteLength);
      else copy.cut(reject(Code.MALFORMED_FRAME, 'the first message is a binary DropCopyFrame of openbell.fbs'));
    },
    // A connection with a larger message is ended without a close code.
    maxReceivedBytes: 2 * MAX_DROP_COPY_ACCOUNTS * ResumePoint.bytes,
    headers: { 'x-openbell-schema': SUPPORTED_SCHEMAS },
  };
  serveStreams(app, route, identity, limits, pings);
}
