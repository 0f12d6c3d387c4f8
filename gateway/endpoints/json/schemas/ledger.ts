import { z } from 'zod';
import { SIDE_NAMES } from '../../../../engine/wire/names.ts';
import { LEDGER_KINDS } from '../../../taps/ledger/ledger-entry.ts';
import { named } from './named.ts';
import { behind, decimal, isoTime, lost, micros, name, seq } from './values.ts';

const idText = z.string().regex(/^\d+$/);
const placeText = z.string().regex(/^\d+\.\d+\.\d$/);

const FILL_CAUSE = z
  .strictObject({
    seq,
    execId: idText,
    orderId: idText,
    clOrdId: idText.optional(),
    tradeId: idText,
    symbol: name,
    side: z.enum(SIDE_NAMES),
    lastPx: decimal,
    lastQty: decimal,
  })
  .meta({ description: 'A fill, with the names of GET /v1/fills.' });
const ACTION_CAUSE = z.strictObject({ seq }).meta({ description: "The operator's command." });

const LEDGER_ENTRY = named(
  'LedgerEntry',
  z.strictObject({
    id: placeText.meta({ description: 'Unique in the account; its form may change.' }),
    transactTime: isoTime,
    transactTimeUs: micros,
    kind: z.enum(LEDGER_KINDS).meta({ description: '`settlement`: a leg of a fill without its fee.' }),
    asset: name,
    amount: decimal.meta({ description: 'Below 0: the account paid it.' }),
    balance: decimal.optional().meta({ description: 'Of the asset after the entry, what is reserved included. Left out: not known.' }),
    cause: z.union([FILL_CAUSE, ACTION_CAUSE]),
  }),
);
export const LEDGER = named(
  'Ledger',
  z.strictObject({
    entries: z.array(LEDGER_ENTRY),
    next: z.union([placeText, z.literal('0')]).meta({ description: 'Where the following page begins; "0": this is the last one.' }),
    lost,
    from: seq.optional().meta({
      description: 'Deposits and withdrawals of earlier commands are missing, and balances of entries before it. Left out: none are.',
    }),
    behind,
  }),
);
