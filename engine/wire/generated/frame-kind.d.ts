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
     * The connection works; `first_no` counts the heartbeats of this connection.
     */
    Heartbeat = 3,
    Subscribed = 4,
    Unsubscribed = 5,
    /**
     * The request was rejected; `code` is the reason.
     */
    Refused = 6,
    Pong = 7,
    /**
     * The time of the exchange is `time_us`.
     */
    Time = 8
}
