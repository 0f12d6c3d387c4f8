/** What a source's connections did, since the start. Plain numbers: one writer, readable at any time. */
export interface LineCounters {
  /** Connections that were opened. */
  connects: number;
  /** Attempts that failed, without those that the breaker refused. */
  connectFailures: number;
  /** Attempts and requests that the open breaker answered. */
  breakerRefusals: number;
  /** Connections that the venue or the network ended. */
  lost: number;
  /** Connections that were cut: nothing arrived within the limit. */
  silent: number;
  /** Connections that were cut: a frame above the maximum size. */
  framesTooLarge: number;
  /** Connections that were cut: bytes that are no WebSocket frame. */
  framesMalformed: number;
  /** Connections ended by the source: at a gap, or before the venue's age limit. */
  reconnects: number;
  /** Of the opened connections, those that took over from one before, without a gap. */
  replacements: number;
  /** Calls in which the adapter threw: a defect. */
  adapterErrors: number;
  frames: number;
  frameBytes: number;
  sent: number;
  /** Messages not sent: the queue before the venue's rate limit was full. */
  sendsRefused: number;
  /** Answers over HTTP. */
  answers: number;
  answerBytes: number;
  /** Requests that failed after all tries. */
  requestsFailed: number;
  /** Tries after the first. */
  requestRetries: number;
  /** How often the wall clock went back. */
  clockSteps: number;
}

export function newLineCounters(): LineCounters {
  return {
    connects: 0,
    connectFailures: 0,
    breakerRefusals: 0,
    lost: 0,
    silent: 0,
    framesTooLarge: 0,
    framesMalformed: 0,
    reconnects: 0,
    replacements: 0,
    adapterErrors: 0,
    frames: 0,
    frameBytes: 0,
    sent: 0,
    sendsRefused: 0,
    answers: 0,
    answerBytes: 0,
    requestsFailed: 0,
    requestRetries: 0,
    clockSteps: 0,
  };
}
