import { withoutSecrets } from '../../secret-text.ts';
import { InexactNumber } from '../json/json-text.ts';

/** Values of a body that are shown, entries of a list that are shown, and characters of a text. */
const MAX_VALUES = 24;
const MAX_ENTRIES = 8;
const MAX_TEXT = 64;
/** Characters of the whole. */
const MAX_ASKED = 512;
const REDACTED = '[redacted]';
const SECRET_KEY = /secret|token|password|private|signature|credential/i;

/**
 * What a rejected action asked for, for the audit trail: at most 512 characters of JSON. The body may have any shape. Secrets are left
 * out: values of keys that name one, texts that look like one, and what follows the host of an address.
 */
export function askedText(body: Readonly<Record<string, unknown>>): string {
  let left = MAX_VALUES;
  const shown = (value: unknown): unknown => {
    if (typeof value === 'string') return textOf(value);
    if (typeof value !== 'object' || value === null) return value;
    if (value instanceof InexactNumber) return textOf(value.text);
    if (Array.isArray(value)) {
      const entries = value.slice(0, MAX_ENTRIES).map((entry) => (left-- > 0 ? shown(entry) : '...'));
      return value.length > MAX_ENTRIES ? [...entries, `and ${value.length - MAX_ENTRIES} more`] : entries;
    }
    const fields: Record<string, unknown> = {};
    for (const [key, field] of Object.entries(value)) {
      if (left-- <= 0) {
        fields['...'] = '...';
        break;
      }
      fields[textOf(key)] = SECRET_KEY.test(key) ? REDACTED : shown(field);
    }
    return fields;
  };
  const text = withoutSecrets(JSON.stringify(shown(body)));
  return text.length <= MAX_ASKED ? text : `${text.slice(0, MAX_ASKED - 3)}...`;
}

function textOf(text: string): string {
  const safe = withoutSecrets(text).replace(/^([a-z][\w+.-]{0,15}:\/\/)(?:[^/@]*@)?([^/?#]*)[/?#].*$/is, `$1$2/${REDACTED}`);
  return safe.length <= MAX_TEXT ? safe : `${safe.slice(0, MAX_TEXT)}...`;
}
