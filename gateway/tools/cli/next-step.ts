/** What to do about an error of the exchange, on the command line; by its name. */
const STEPS: Readonly<Record<string, string>> = {
  UNAUTHENTICATED: 'give --token-file, or --api-key-id and --api-key-file; `openbell context show` says which are in force',
  PERMISSION_DENIED: 'docs/SECURITY.md#roles says which role may; `openbell context show` says whose credentials are in force',
  UNKNOWN_SYMBOL: '`openbell symbol ls` lists the symbols',
  UNKNOWN_ASSET: '`openbell asset ls` lists the assets',
  UNKNOWN_ACCOUNT: '`openbell account ls` lists the accounts',
  UNKNOWN_ORDER: 'give the account of the order with --account; docs/WHERE-IS-MY-ORDER.md#nothing-is-known-of-it says where else to look',
  UNKNOWN_SESSION: '`openbell sessions ls` lists the sessions',
  BOOK_NOT_EMPTY: 'set the phase closed, cancel the orders with `openbell cancel-all --symbol NAME`, then try again',
  BOOK_CROSSED: 'set the phase auction and end it with `openbell uncross NAME`',
  WRONG_PHASE: '`openbell symbol show NAME` shows the phase; `openbell phase` sets it',
  TOO_MANY_REQUESTS: 'wait a second, and send fewer at once',
};

/** The message with what to do next, unless it has that already. @param code of the error */
export function withNextStep(code: string | undefined, message: string): string {
  const step = code !== undefined && Object.hasOwn(STEPS, code) && !message.includes('\nnext: ') ? STEPS[code] : undefined;
  return step === undefined ? message : `${message}\nnext: ${step}`;
}
