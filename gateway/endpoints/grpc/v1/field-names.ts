import type { DescMessage } from '@bufbuild/protobuf';

/** The words of a text that can be a key of JSON which has another name here. */
const KEY = /\b[a-z]+(?:[A-Z][a-z]*)+\b|\bIdempotency-Key\b/g;
/** Where a text names a request of HTTP that has a method here. */
const HTTP_LIST = /\bGET \/v1\/(asset|symbol|account|session)s lists them/g;
const HTTP_QUERY = /\bwith GET \/v1\//g;
const known = new Map<DescMessage, ReadonlyMap<string, string>>();

/** A text about the JSON of a request, as one about its message: `orderQty` is `order_qty` there. */
export function inFieldNames(text: string, request: DescMessage): string {
  let names = known.get(request);
  if (names === undefined) {
    names = new Map(namesOf(request));
    known.set(request, names);
  }
  return text
    .replace(HTTP_LIST, (_all, what: string) => `List${what.charAt(0).toUpperCase()}${what.slice(1)}s lists them`)
    .replace(HTTP_QUERY, 'over HTTP $&')
    .replace(KEY, (key) => names.get(key) ?? key);
}

/** Of the message and of those in it. */
function* namesOf({ fields }: DescMessage): Generator<[key: string, name: string]> {
  for (const field of fields) {
    yield [field.jsonName, field.name];
    // The header of HTTP.
    if (field.name === 'idempotency_key') yield ['Idempotency-Key', field.name];
    if (field.fieldKind === 'message') yield* namesOf(field.message);
  }
}
