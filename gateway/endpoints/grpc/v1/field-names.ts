import type { DescMessage } from '@bufbuild/protobuf';

/** The words of a text that can be a key of JSON which has another name here. */
const KEY = /\b[a-z]+(?:[A-Z][a-z]*)+\b|\bIdempotency-Key\b/g;
const known = new Map<DescMessage, ReadonlyMap<string, string>>();

/** A text about the JSON of a request, as one about its message: `orderQty` is `order_qty` there. */
export function inFieldNames(text: string, request: DescMessage): string {
  let names = known.get(request);
  if (names === undefined) {
    names = new Map(namesOf(request));
    known.set(request, names);
  }
  return text.replace(KEY, (key) => names.get(key) ?? key);
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
