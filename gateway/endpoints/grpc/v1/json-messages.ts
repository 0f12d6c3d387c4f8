import { create, type DescEnum, type DescField, type DescMessage, isMessage, type Message, ScalarType } from '@bufbuild/protobuf';
import { type Timestamp, TimestampSchema, timestampDate } from '@bufbuild/protobuf/wkt';
import { Code } from '../../../../engine/codes.ts';
import { reject } from '../../../reject.ts';
import { RejectError } from './reject-error.ts';

/**
 * Messages of proto/openbell/v1 as the JSON of the HTTP interface, and back, by their descriptors: a field has the name of its JSON
 * key, an enum value the word in it, a 64-bit number and an amount are text. Times in answers are in microseconds where the
 * JSON has them so (`transactTimeUs`), else ISO 8601.
 */

export type Json = Readonly<Record<string, unknown>>;
type Fields = Record<string, unknown>;
interface OneOf {
  readonly case: string | undefined;
  readonly value?: unknown;
}

/** What is set in a request. @throws RejectError for a field or an enum value that this release does not know: it would be ignored */
export function jsonOf(schema: DescMessage, message: Message): Record<string, unknown> {
  if (message.$unknown !== undefined && message.$unknown.length > 0) {
    const numbers = message.$unknown.map(({ no }) => no).join(', ');
    throw bad(`${schema.name} has a field with number ${numbers}, which this release does not know`);
  }
  const json: Record<string, unknown> = {};
  for (const field of schema.fields) {
    const value = setValue(field, message as unknown as Fields);
    if (value !== undefined) json[field.jsonName] = value;
  }
  return json;
}

function setValue(field: DescField, message: Fields): unknown {
  const one = field.oneof === undefined ? undefined : (message[field.oneof.localName] as OneOf);
  if (one !== undefined && one.case !== field.localName) return undefined;
  const value = one === undefined ? message[field.localName] : one.value;
  if (value === undefined) return undefined;
  switch (field.fieldKind) {
    case 'enum':
      return wordOf(field.enum, value as number);
    case 'message':
      return isMessage(value, TimestampSchema) ? isoOf(field, value) : jsonOf(field.message, value as Message);
    case 'list':
      return field.listKind === 'scalar' && (value as unknown[]).length > 0 ? value : undefined;
    case 'map':
      return Object.keys(value as object).length > 0 ? value : undefined;
    default: {
      // Without explicit presence, a zero is what is not set.
      if (one === undefined && field.presence === IMPLICIT && !value) return undefined;
      return typeof value === 'bigint' ? String(value) : value;
    }
  }
}

const IMPLICIT = 2;

/** @throws RejectError */
function isoOf({ name }: DescField, time: Timestamp): string {
  const date = timestampDate(time);
  if (!Number.isNaN(date.getTime())) return date.toISOString();
  throw bad(`${name} is no time`);
}

/** `TIME_IN_FORCE_AT_THE_OPEN` is `at-the-open`; undefined: unspecified. @throws RejectError */
function wordOf({ name, value }: DescEnum, number: number): string | undefined {
  if (number === 0) return undefined;
  const known = value[number];
  if (known === undefined) throw new RejectError(reject(Code.BAD_ENUM, `this release has no ${name} ${number}`));
  return known.localName.toLowerCase().replaceAll('_', '-');
}

/** The message of an answer. Keys that it has no field for are left out. */
export function messageOf(schema: DescMessage, json: Json): Message {
  const message = create(schema) as Message & Fields;
  for (const field of schema.fields) {
    const value = field.fieldKind === 'message' && field.message === TimestampSchema ? timeOf(json, field.jsonName) : json[field.jsonName];
    if (value !== undefined && value !== null) message[field.localName] = fieldOf(field, value);
  }
  return message;
}

function fieldOf(field: DescField, value: unknown): unknown {
  switch (field.fieldKind) {
    case 'enum':
      return numberOf(field.enum, value);
    case 'message':
      return isMessage(value) ? value : messageOf(field.message, value as Json);
    case 'list':
      return (value as unknown[]).map((item) => (field.listKind === 'message' ? messageOf(field.message, item as Json) : item));
    case 'map':
      return value;
    default:
      return scalarOf(field.scalar, value);
  }
}

function scalarOf(type: ScalarType, value: unknown): unknown {
  if (type === ScalarType.UINT64 || type === ScalarType.INT64) return BigInt(value as string | number);
  if (type === ScalarType.STRING) return String(value);
  return value;
}

/** 0 for a word of a newer list. */
function numberOf({ values }: DescEnum, word: unknown): number {
  const name = String(word).toUpperCase().replaceAll('-', '_');
  return values.find(({ localName }) => localName === name)?.number ?? 0;
}

function timeOf(json: Json, name: string): Timestamp | undefined {
  const us = json[`${name}Us`];
  const iso = json[name];
  if (typeof us !== 'number' && typeof iso !== 'string') return undefined;
  return timestampOf(typeof us === 'number' ? us : Date.parse(iso as string) * 1000);
}

/** @param us microseconds since the Unix epoch */
function timestampOf(us: number): Timestamp {
  const seconds = Math.floor(us / 1e6);
  return create(TimestampSchema, { seconds: BigInt(seconds), nanos: (us - seconds * 1e6) * 1000 });
}

function bad(text: string): RejectError {
  return new RejectError(reject(Code.BAD_PARAMETER, text));
}
