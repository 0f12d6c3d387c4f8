import { OpenbellError } from '../../client/errors.ts';

/** Names of the client's fields, and what the command line calls them; longer texts first. */
const NAMES: readonly (readonly [field: RegExp, option: string])[] = [
  [/a trailOffset or a trailPpm, one of them/, '--trail'],
  [/trailOffset, trailPpm/, '--trail'],
  [/\btrail(Offset|Ppm)\b/g, '--trail'],
  [/\bactivationPrice\b/g, '--activation'],
  [/\blimitOffset\b/g, '--limit-offset'],
  [/\bstopPrice\b/g, '--stop'],
  [/\bminQuantity\b/g, '--min-quantity'],
  [/\bdisplayedQuantity\b/g, '--display'],
  [/\bexpires\b/g, '--expires'],
  [/\btimeInForce\b|\btime in force\b/g, '--tif'],
  [/\bselfTrade\b/g, '--self-trade'],
  [/\bpostOnly\b/g, '--post-only'],
  [/\btriggerNow\b/g, '--trigger-now'],
  [/\breportTrail\b/g, '--report-trail'],
  [/\ba trigger is for\b/g, '--trigger is for'],
  [/\btrail-ppm\b/g, '--trail in percent'],
];
/** Codes of what the client finds wrong in the terms that it was given. */
const OF_TERMS: ReadonlySet<string> = new Set(['BAD_RANGE', 'BAD_ENUM', 'ILLEGAL_COMBINATION']);

/** The same error, with the options of the command line in place of the client's fields. */
export function inOptions(error: unknown): unknown {
  if (!(error instanceof OpenbellError) || !OF_TERMS.has(error.code)) return error;
  const text = NAMES.reduce((message, [field, option]) => message.replace(field, option), error.message);
  return new OpenbellError(error.code, text, error.number);
}
