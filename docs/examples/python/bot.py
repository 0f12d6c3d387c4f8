"""A bot that buys below the average of the last prices and sells above it. It ends by itself, closes its position, and says what it did."""

import asyncio
import os
import signal
from contextlib import aclosing
from decimal import Decimal
from pathlib import Path

import httpx
from websockets.exceptions import WebSocketException

from openbell import Book, Refused, Session, Venue, books, get

SYMBOL = os.environ.get("SYMBOL", "BTC-USD")
# What it trades at a time, and holds at most, bought or sold.
QUANTITY = Decimal(os.environ.get("QUANTITY", "0.01"))
MAX_POSITION = Decimal(os.environ.get("MAX_POSITION", "0.05"))
# How far the price must be away from its average, in the quote currency, and the weight of a new price in it.
DISTANCE = Decimal(os.environ.get("DISTANCE", "3"))
WEIGHT = Decimal(os.environ.get("WEIGHT", "0.01"))
# It ends after so many seconds, or so many orders that traded.
SECONDS = float(os.environ.get("SECONDS", "60"))
TRADES = int(os.environ.get("TRADES", "20"))
# Shortest time between two orders.
PAUSE_S = 0.25
# How long it waits at the end for an exchange that does not answer.
END_S = 10


def venue_of_environment() -> Venue:
    token_file = os.environ.get("TOKEN_FILE")
    return Venue(
        account=int(os.environ.get("ACCOUNT", "2")),
        http=f"http://localhost:{os.environ.get('HTTP_PORT', '7403')}",
        ws=f"ws://localhost:{os.environ.get('WS_PORT', '7402')}",
        token=None if token_file is None else Path(token_file).read_text().strip(),
    )


class Result:
    """Position and money since the start, from the fills."""

    def __init__(self) -> None:
        self.position = Decimal(0)
        self.money = Decimal(0)
        self.fees = Decimal(0)
        self.fills = 0

    def add(self, fill: dict) -> None:
        quantity, price, fee = (Decimal(fill[key]) for key in ("lastQty", "lastPx", "fee"))
        signed = quantity if fill["side"] == "buy" else -quantity
        self.position += signed
        self.money -= signed * price
        self.fees += fee
        self.fills += 1
        word = "bought" if fill["side"] == "buy" else "sold"
        print(f"{word} {quantity} at {price}, fee {fee}; position {self.position}", flush=True)


def side_to_trade(book: Book, average: Decimal, position: Decimal) -> tuple[str, Decimal] | None:
    """The side and the limit price of the next order, or None."""
    if book.best is None:
        return None
    bid, ask = book.best
    distance = (bid + ask) / 2 - average
    if distance < -DISTANCE and position < MAX_POSITION:
        return "buy", ask
    if distance > DISTANCE and position > -MAX_POSITION:
        return "sell", bid
    return None


async def trade(venue: Venue, session: Session, result: Result) -> None:
    average: Decimal | None = None
    traded = 0
    ready_at = 0.0
    async with aclosing(books(venue, SYMBOL)) as states:
        async for book in states:
            if book.best is None:
                continue
            middle = sum(book.best) / 2
            average = middle if average is None else average + (middle - average) * WEIGHT
            wanted = side_to_trade(book, average, result.position)
            now = asyncio.get_running_loop().time()
            if wanted is None or now < ready_at:
                continue
            side, price = wanted
            try:
                order = await session.place(SYMBOL, side, QUANTITY, price, timeInForce="ioc")
                traded += order.filled > 0
            except Refused as error:
                print(f"refused: {error}", flush=True)
            if traded >= TRADES:
                return
            ready_at = now + PAUSE_S


async def close_position(session: Session, result: Result) -> None:
    """Trades the position back, whatever the price, and leaves no order."""
    await session.cancel_all(SYMBOL)
    for _ in range(5):
        if result.position == 0:
            return
        side = "sell" if result.position > 0 else "buy"
        await session.place(SYMBOL, side, abs(result.position), timeInForce="market")


async def main() -> None:
    venue = venue_of_environment()
    symbols = {symbol["name"]: symbol for symbol in await get(venue, "/v1/symbols")}
    if SYMBOL not in symbols:
        raise SystemExit(f"there is no symbol {SYMBOL}; there are: {', '.join(symbols)}")
    result = Result()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Session(venue, result.add) as session:
        print(f"trading {SYMBOL} for account {venue.account}, fee {symbols[SYMBOL]['fees']['taker']}", flush=True)
        trading = asyncio.create_task(trade(venue, session, result))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({trading, stopping}, timeout=SECONDS, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        trading.cancel()
        # An error of the strategy is raised after its position is closed.
        [outcome] = await asyncio.gather(trading, return_exceptions=True)
        try:
            async with asyncio.timeout(END_S):
                await close_position(session, result)
        except TimeoutError:
            outcome = ConnectionError(f"no answer within {END_S} s: orders may be open, and the position stays")
    profit = result.money - result.fees
    print(f"stopped: {result.fills} fills, position {result.position}, fees {result.fees:.2f}, result {profit:.2f}", flush=True)
    if isinstance(outcome, Exception):
        raise outcome


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except (Refused, OSError, WebSocketException, httpx.HTTPError) as error:
        # An exchange that is not there, or does not permit this: one line is enough.
        raise SystemExit(str(error) or type(error).__name__) from None
