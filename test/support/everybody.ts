import { SILENT } from '../../gateway/audit/audit-sink.ts';
import { Identity } from '../../gateway/identity/identity.ts';
import { createLogger } from '../../gateway/log.ts';

/** The door of an exchange that was told nothing of authentication: whoever comes is let in. */
export const EVERYBODY = new Identity({}, createLogger('silent'), SILENT);
