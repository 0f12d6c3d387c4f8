import { z } from 'zod';
import { SESSION_KINDS } from '../../../session-info.ts';
import { named } from './named.ts';
import { flag, id, isoTime, micros, name, whole } from './values.ts';

/** Answers about the sessions that are open. */

const sessionId = z.string().meta({ description: 'Until the exchange restarts.', examples: ['orders-7'] });

export const OPEN_SESSION = named(
  'OpenSession',
  z.strictObject({
    id: sessionId,
    kind: z.enum(SESSION_KINDS),
    account: id.optional(),
    accounts: whole.optional().meta({ description: 'Of a drop copy: number of accounts; 0 before it has named them.' }),
    subject: name.meta({ description: 'Of the credentials.' }),
    via: name.meta({ description: 'How the caller was authenticated.' }),
    protocol: name.meta({ description: 'Protocol and request, as in the audit trail.', examples: ['gRPC Session'] }),
    format: name.optional().meta({ description: 'Of market data: flatbuffers or json.' }),
    address: name.meta({ description: 'IP address of the peer; of the proxy, where there is one.' }),
    since: isoTime,
    sinceUs: micros,
    readOnly: flag.optional(),
    subscriptions: whole.optional(),
    lastReport: whole.optional().meta({ description: 'Number of the last report that it was sent.' }),
    reports: whole.optional().meta({ description: 'Reports that it was sent.' }),
    commands: whole.optional().meta({ description: 'Commands of it that have a place in the log.' }),
    backlog: whole.optional().meta({ description: 'Reports that it was not sent yet.' }),
    bufferedBytes: whole.optional().meta({ description: 'Bytes that the peer has not taken.' }),
    slow: flag.meta({ description: 'It does not read fast enough.' }),
    cancelOnDisconnect: whole
      .optional()
      .meta({ description: 'Seconds until its orders are cancelled once it is gone. Left out: they stay.' }),
    sessionNumber: whole.optional().meta({ description: 'With which its orders are marked.' }),
  }),
);
export const OPEN_SESSIONS = z.strictObject({
  sessions: z.array(OPEN_SESSION),
  next: sessionId.nullable().meta({ description: '`after` of the following page; null: this is the last one.' }),
});
export const SESSION_ENDED = named('SessionEnded', z.strictObject({ id: sessionId, ended: z.literal(true) }));
