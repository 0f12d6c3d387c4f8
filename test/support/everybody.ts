import { SILENT } from '../../gateway/audit/audit-sink.ts';
import { Identity } from '../../gateway/identity/identity.ts';
import { createLogger } from '../../gateway/log.ts';

/** Identity of an exchange without authentication: every caller is admitted. */
export const EVERYBODY = new Identity({}, createLogger('silent'), SILENT);
