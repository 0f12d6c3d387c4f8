/** Parameters in paths. One that fits nothing is answered with 404. */

interface PathParameter {
  readonly description: string;
  readonly schema: object;
}

const whole = (minimum: number, maximum: number) => ({ type: 'integer', minimum, maximum });
const ID = whole(1, Number.MAX_SAFE_INTEGER);

const BY_NAME: Readonly<Record<string, PathParameter>> = {
  id: { description: 'Id of the account.', schema: whole(0, 2 ** 32 - 1) },
  group: { description: 'Number of the group of accounts.', schema: whole(1, 2 ** 16 - 1) },
  table: { description: 'Number of the fee table.', schema: whole(1, 9) },
  alert: { description: 'Id of the alert.', schema: ID },
  webhook: { description: 'Id of the webhook.', schema: ID },
  order: { description: 'Id of the order.', schema: ID },
};
const NAMED_BY: Readonly<Record<string, string>> = { feeds: 'feed', books: 'consolidated book' };

/** What the document says of a parameter. @param before the segment in front of it, whose list it is of */
export function pathParameter(name: string, before: string): PathParameter {
  if (name !== 'name') return BY_NAME[name] ?? { description: name, schema: { type: 'string' } };
  return { description: `Name of the ${NAMED_BY[before] ?? 'symbol'}.`, schema: { type: 'string' } };
}
