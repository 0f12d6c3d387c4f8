/** Where an adapter connects if its options name no other address. */
export interface VenueUrls {
  /** The WebSocket; an adapter may add a path: `wss://ws.kraken.com`. */
  readonly webSocketUrl: string;
  /** The base of its requests; absent if the adapter sends none: `https://api.kraken.com`. */
  readonly httpUrl?: string;
  /** Its only requests are those for the list of instruments. They are not sent if the WebSocket has another address and the requests have none. */
  readonly listOnly?: true;
}
