/**
 * The messages of NASDAQ TotalView-ITCH 5.0, described once. Integers are big-endian and unsigned. Text is ASCII,
 * padded with spaces on the right. Each message begins with the same 11 bytes:
 *
 *   0      1              3                 5                        11
 *   ┌──────┬──────────────┬─────────────────┬────────────────────────┬─ … ─┐
 *   │ type │ stock locate │ tracking number │ ns since midnight (48) │     │
 *   └──────┴──────────────┴─────────────────┴────────────────────────┴─ … ─┘
 *
 * Source: NASDAQ TotalView-ITCH 5.0, section 1 (July 2023).
 */

/** Bytes of a field, or its kind: `price4` and `price8` are integers with 4 and 8 decimals, a number is text of that many bytes. */
type FieldKind = 'u8' | 'u16' | 'u32' | 'u48' | 'u64' | 'price4' | 'price8' | number;

const BYTES: Readonly<Record<Exclude<FieldKind, number>, number>> = { u8: 1, u16: 2, u32: 4, u48: 6, u64: 8, price4: 4, price8: 8 };

export interface ItchField {
  readonly name: string;
  readonly kind: FieldKind;
  /** From the first byte of the message, its type. */
  readonly offset: number;
  readonly bytes: number;
}

export interface ItchMessageLayout {
  /** One character. */
  readonly type: string;
  readonly name: string;
  /** In bytes, without the length in front of the message. */
  readonly length: number;
  /** Without the type. */
  readonly fields: readonly ItchField[];
}

const HEADER: Readonly<Record<string, FieldKind>> = { stockLocate: 'u16', trackingNumber: 'u16', timestamp: 'u48' };
const ORDER: Readonly<Record<string, FieldKind>> = { orderId: 'u64', side: 1, shares: 'u32', stock: 8, price: 'price4' };
const EXECUTED: Readonly<Record<string, FieldKind>> = { orderId: 'u64', executedShares: 'u32', matchNumber: 'u64' };

/** Every message of the specification, in its order. */
export const ITCH_MESSAGES: readonly ItchMessageLayout[] = [
  describe('S', 'system event', { eventCode: 1 }),
  describe('R', 'stock directory', {
    stock: 8,
    marketCategory: 1,
    financialStatus: 1,
    roundLotSize: 'u32',
    roundLotsOnly: 1,
    issueClassification: 1,
    issueSubType: 2,
    authenticity: 1,
    shortSaleThreshold: 1,
    ipoFlag: 1,
    luldTier: 1,
    etpFlag: 1,
    etpLeverage: 'u32',
    inverse: 1,
  }),
  describe('H', 'trading action', { stock: 8, tradingState: 1, reserved: 1, reason: 4 }),
  describe('Y', 'Reg SHO restriction', { stock: 8, regShoAction: 1 }),
  describe('L', 'market participant position', { mpid: 4, stock: 8, primaryMarketMaker: 1, marketMakerMode: 1, participantState: 1 }),
  describe('V', 'MWCB decline levels', { level1: 'price8', level2: 'price8', level3: 'price8' }),
  describe('W', 'MWCB status', { breachedLevel: 1 }),
  describe('K', 'IPO quoting period', { stock: 8, releaseTime: 'u32', releaseQualifier: 1, ipoPrice: 'price4' }),
  describe('J', 'LULD auction collar', {
    stock: 8,
    referencePrice: 'price4',
    upperCollar: 'price4',
    lowerCollar: 'price4',
    extension: 'u32',
  }),
  describe('h', 'operational halt', { stock: 8, marketCode: 1, haltAction: 1 }),
  describe('A', 'add order', ORDER),
  describe('F', 'add order with MPID', { ...ORDER, attribution: 4 }),
  describe('E', 'order executed', EXECUTED),
  describe('C', 'order executed with price', { ...EXECUTED, printable: 1, executionPrice: 'price4' }),
  describe('X', 'order cancel', { orderId: 'u64', cancelledShares: 'u32' }),
  describe('D', 'order delete', { orderId: 'u64' }),
  describe('U', 'order replace', { orderId: 'u64', newOrderId: 'u64', shares: 'u32', price: 'price4' }),
  describe('P', 'trade of a hidden order', { ...ORDER, matchNumber: 'u64' }),
  describe('Q', 'cross trade', { shares: 'u64', stock: 8, crossPrice: 'price4', matchNumber: 'u64', crossType: 1 }),
  describe('B', 'broken trade', { matchNumber: 'u64' }),
  describe('I', 'net order imbalance', {
    pairedShares: 'u64',
    imbalanceShares: 'u64',
    imbalanceDirection: 1,
    stock: 8,
    farPrice: 'price4',
    nearPrice: 'price4',
    referencePrice: 'price4',
    crossType: 1,
    priceVariation: 1,
  }),
  describe('N', 'retail price improvement', { stock: 8, interest: 1 }),
  describe('O', 'direct listing price discovery', {
    stock: 8,
    openEligibility: 1,
    minimumPrice: 'price4',
    maximumPrice: 'price4',
    nearExecutionPrice: 'price4',
    nearExecutionTime: 'u64',
    lowerCollar: 'price4',
    upperCollar: 'price4',
  }),
];

/** Length of each message by its type byte; 0 where there is no such type. */
export const ITCH_LENGTHS = lengths();

/** Prices of orders and trades are integers of 10^-4 dollars. */
export const ITCH_PRICE_DECIMALS = 4;

/** Code of a type, `A` gives 65. */
export function itchType(type: string): number {
  return type.charCodeAt(0);
}

/** Offset of a field of a message. @throws RangeError where there is none of that name */
export function itchOffset(type: string, name: string): number {
  const field = ITCH_MESSAGES.find((message) => message.type === type)?.fields.find((each) => each.name === name);
  if (field === undefined) throw new RangeError(`ITCH message ${type} has no field ${name}`);
  return field.offset;
}

function describe(type: string, name: string, own: Readonly<Record<string, FieldKind>>): ItchMessageLayout {
  let offset = 1;
  const fields = Object.entries({ ...HEADER, ...own }).map(([field, kind]) => {
    const bytes = typeof kind === 'number' ? kind : BYTES[kind];
    offset += bytes;
    return { name: field, kind, offset: offset - bytes, bytes };
  });
  return { type, name, length: offset, fields };
}

function lengths(): Uint8Array {
  const table = new Uint8Array(256);
  for (const { type, length } of ITCH_MESSAGES) table[itchType(type)] = length;
  return table;
}
