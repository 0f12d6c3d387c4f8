import { AuditTrail } from '../../gateway/audit/audit-trail.ts';
import { createLogger } from '../../gateway/log.ts';

/** Records without end, until it is killed; with `retain`, old files go all the time. Says once that it has begun. */
const [, , data, retain] = process.argv;
const retention = retain === undefined ? {} : { keepDays: 50 / 86_400_000, checkMs: 3 };
const trail = new AuditTrail(data, createLogger('silent'), { flushMs: 1, rotateBytes: 20_000, ...retention });
process.stdout.write('begun\n');
for (let no = 0; ; no++) {
  const detail = 'x'.repeat((no * 37) % 900);
  trail.record({ kind: 'admin', subject: 'operator', action: 'POST /v1/snapshot', outcome: 'ok', peer: '127.0.0.1', detail });
  if (no % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
}
