export declare enum FrameKind {
    None = 0,
    /**
     * The whole state as of `first_no`; the next delta is `first_no + 1`.
     */
    Snapshot = 1,
    /**
     * Updates numbered `first_no`, `first_no + 1`, ... per channel and symbol.
     */
    Delta = 2,
    /**
     * The line is alive; `first_no` counts the heartbeats of this connection.
     */
    Heartbeat = 3,
    Subscribed = 4,
    Unsubscribed = 5,
    /**
     * `code` says what was wrong with the request.
     */
    Refused = 6,
    Pong = 7
}
