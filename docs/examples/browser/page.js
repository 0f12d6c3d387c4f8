// @ts-check
/** A ladder, the last trades, an order form and the own open orders, with plain DOM. */
import { connect, OpenbellError } from 'openbell-client/browser';

const DEPTH = 10;
const LAST_TRADES = 20;
const LAST_REPORTS = 20;

/** @param {string} id @returns {HTMLElement} */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * A row of a table. Texts of others are never markup here.
 * @param {string} side class of the row @param {readonly (string | Node)[]} cells
 */
function row(side, cells) {
  const tr = document.createElement('tr');
  tr.className = side;
  for (const cell of cells) tr.insertCell().append(cell);
  return tr;
}

/** @param {string} text */
function say(text) {
  const item = document.createElement('li');
  item.textContent = text;
  element('reports').prepend(item);
  while (element('reports').childElementCount > LAST_REPORTS) element('reports').lastElementChild?.remove();
}

/** @param {unknown} error */
const explain = (error) => (error instanceof Error ? error.message : String(error));

const { account, symbol, wsPort, httpPort } = await (await fetch('settings.json')).json();
element('symbol').textContent = symbol;

const exchange = await connect({
  wsPort,
  httpPort,
  account,
  tokenProvider: async () => (await fetch('token')).text(),
  // The orders of a page that is closed are cancelled.
  cancelOnDisconnect: 2,
}).catch((error) => {
  element('state').textContent = explain(error);
  throw error;
});
const units = await exchange.symbols.find(symbol);

// The book changes many times between two pictures of the screen, and is drawn once for each.
const book = await exchange.market.book(symbol);
let isDrawn = false;
function drawSoon() {
  if (isDrawn) return;
  isDrawn = true;
  requestAnimationFrame(() => {
    isDrawn = false;
    const asks = book.asks.slice(0, DEPTH).reverse();
    element('ladder').replaceChildren(
      ...asks.map(({ price, quantity }) => row('sell', ['', units.price(price), units.quantity(quantity)])),
      ...book.bids.slice(0, DEPTH).map(({ price, quantity }) => row('buy', [units.quantity(quantity), units.price(price), ''])),
    );
  });
}
book.on('change', drawSoon);
drawSoon();

await exchange.market.trades(symbol, {
  onItem: ({ price, quantity, timeUs }) => {
    const time = new Date(timeUs / 1000).toLocaleTimeString();
    element('trades').prepend(row('', [time, units.price(price), units.quantity(quantity)]));
    while (element('trades').childElementCount > LAST_TRADES) element('trades').lastElementChild?.remove();
  },
});

const { orders } = exchange;
orders.on('open', () => {
  element('state').textContent = 'connected';
});
orders.on('lost', ({ message }) => {
  element('state').textContent = message;
});
orders.on('closed', (error) => {
  element('state').textContent = error?.message ?? 'closed';
});

/** Rows of the open orders, by order id. @type {Map<number, HTMLTableRowElement>} */
const open = new Map();
orders.on('report', (report) => {
  const { kind, side, price, quantity, leaves, leavesLots, orderId, code } = report;
  say(`${kind} ${side} ${quantity} at ${price}${code === 'OK' ? '' : `: ${code}`}`);
  if (orderId === 0) return;
  if (leavesLots === 0 || kind === 'cancelled') {
    open.get(orderId)?.remove();
    open.delete(orderId);
    return;
  }
  const tr = open.get(orderId);
  if (tr !== undefined) tr.cells[2].textContent = leaves;
  else if (kind === 'accepted') {
    const cancel = document.createElement('button');
    cancel.textContent = 'Cancel';
    cancel.onclick = () => orders.cancel({ symbol, orderId }).catch((error) => say(explain(error)));
    const added = row(side, [side, price, leaves, cancel]);
    open.set(orderId, added);
    element('orders').append(added);
  }
});

const form = /** @type {HTMLFormElement} */ (element('order'));
form.onsubmit = async (event) => {
  event.preventDefault();
  const { submitter } = /** @type {SubmitEvent} */ (event);
  const fields = new FormData(form, submitter);
  const [quantity, price] = ['quantity', 'price'].map((name) => String(fields.get(name)).trim());
  const side = fields.get('side') === 'sell' ? 'sell' : 'buy';
  try {
    await orders.place({ symbol, side, quantity, ...(price !== '' && { price }) });
  } catch (error) {
    say(error instanceof OpenbellError ? `${error.code}: ${error.message}` : explain(error));
  }
};
await orders.ready().catch((error) => say(explain(error)));
