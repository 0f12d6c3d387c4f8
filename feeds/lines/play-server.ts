import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { PlayAnswers } from './play-answers.ts';
import { framesOf, type PlayScript, type PlaySession, type PlayStep } from './play-script.ts';
import { resetSocket } from './reset-socket.ts';

export interface PlayOptions {
  /** Times the recorded speed; `Infinity`: as fast as the client reads. */
  readonly speed: number;
  /** 0 = any free one. */
  readonly port?: number;
  /** Default: loopback. */
  readonly host?: string;
  /** Begins again after the last session. */
  readonly loop?: boolean;
  /** The steps of a connection, in place of the recorded ones: faults, for tests. @param connection from 1 */
  readonly disturb?: (connection: number, steps: readonly PlayStep[]) => readonly PlayStep[];
}

export interface PlayCounters {
  connections: number;
  /** Frames sent, over all connections. */
  frames: number;
  /** Frames of the sessions that were played to their end. */
  played: number;
  /** Connections that the server closed because the recorded one ended. */
  ended: number;
  answers: number;
  /** Requests that the capture has no answer for. */
  notFound: number;
}

/** Why the server closes a connection whose recording has ended; it is no fault of the venue. */
export const RECORDING_ENDS = 'end of the recorded connection';

/** Messages of a client: all so far, and as many as there were when the last answer was released. */
interface Messages {
  count: number;
  atAnswer: number;
}

/** Unsent bytes at which sending waits for the client. */
const HIGH_WATER = 1 << 20;
/** A client that sends nothing gets its frames after this time, ms. */
const FIRST_MESSAGE_MS = 1_000;

/**
 * A WebSocket and HTTP server that plays a capture to any client: it answers requests with the recorded answers and
 * sends the recorded frames, in order and time, after the client's first message. A connection plays one session of
 * the capture, from its beginning; after its end, the server closes it, and the next connection plays the next session. The last
 * session stays open. A connection that the client ends is followed by the same session again. It is made for one
 * client at a time.
 */
export class PlayServer {
  readonly port: number;
  readonly host: string;
  readonly counters: PlayCounters = { connections: 0, frames: 0, played: 0, ended: 0, answers: 0, notFound: 0 };
  readonly #script: PlayScript;
  readonly #options: PlayOptions;
  readonly #server: Server;
  readonly #webSockets: WebSocketServer;
  readonly #sockets = new Set<Socket>();
  readonly #closing = new AbortController();
  #answers: PlayAnswers;
  #session = 0;
  #ended!: () => void;
  /** Resolves when the last session was sent to its end. */
  readonly ended: Promise<void> = new Promise((resolve) => {
    this.#ended = resolve;
  });

  static async start(script: PlayScript, options: PlayOptions): Promise<PlayServer> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve);
    });
    return new PlayServer(script, options, server);
  }

  private constructor(script: PlayScript, options: PlayOptions, server: Server) {
    this.#script = script;
    this.#options = options;
    this.#server = server;
    this.host = options.host ?? '127.0.0.1';
    this.port = (server.address() as AddressInfo).port;
    this.#answers = answersOf(script.sessions[0]);
    this.#webSockets = new WebSocketServer({ server, maxPayload: 1 << 20 });
    this.#webSockets.on('connection', (socket, request) => void this.#play(socket, request.socket));
    server.on('request', (request, response) => void this.#answer(request, response));
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  /** For an adapter's options. */
  get webSocketUrl(): string {
    return `ws://${this.host}:${this.port}`;
  }

  /** For an adapter's options. */
  get httpUrl(): string {
    return `http://${this.host}:${this.port}`;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#webSockets.close();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #play(socket: WebSocket, tcp: Socket): Promise<void> {
    const connection = ++this.counters.connections;
    const index = this.#session;
    const session = this.#script.sessions[index];
    const gone = new AbortController();
    socket.on('close', () => gone.abort());
    socket.on('error', () => gone.abort());
    // A client that checks that its pings are answered.
    const messages: Messages = { count: 0, atAnswer: 0 };
    socket.on('message', (data) => {
      messages.count++;
      if (String(data) === 'ping') socket.send('pong');
    });
    if (session === undefined) return;
    const signal = AbortSignal.any([gone.signal, this.#closing.signal]);
    this.#answers = answersOf(session);
    const steps = this.#options.disturb?.(connection, session.steps) ?? session.steps;
    if (session.waitsForMessage) await firstMessage(socket, signal);
    const whole = await this.#run(steps, socket, tcp, messages, signal);
    if (!whole || this.#session !== index) return;
    this.counters.played += framesOf(session.steps);
    const last = index + 1 === this.#script.sessions.length;
    if (last) this.#ended();
    if (last && !this.#options.loop) return;
    this.#session = last ? 0 : index + 1;
    this.counters.ended++;
    socket.close(1012, RECORDING_ENDS);
  }

  /** @returns false when the client left, or a step ended the connection */
  async #run(steps: readonly PlayStep[], socket: WebSocket, tcp: Socket, messages: Messages, signal: AbortSignal): Promise<boolean> {
    const { speed } = this.#options;
    const answers = this.#answers;
    // Answers from before the first frame are there at once.
    const firstFrame = (steps.find(({ kind }) => kind === 'frame') ?? steps[0])?.atUs ?? 0;
    let origin = performance.now();
    for (const step of steps) {
      const dueIn = Math.max(0, step.atUs - firstFrame) / 1000 / speed - (performance.now() - origin);
      if (dueIn > 1) await pause(dueIn, signal);
      if (signal.aborted) return false;
      switch (step.kind) {
        case 'frame':
          this.counters.frames++;
          // Without the option, a Buffer would be a binary frame.
          socket.send(step.text, { binary: step.binary === true });
          if (socket.bufferedAmount > HIGH_WATER) await drained(socket, tcp, signal);
          break;
        case 'answer': {
          answers.release(step.url);
          if (step.atUs <= firstFrame) break;
          messages.atAnswer = messages.count;
          const before = performance.now();
          await answers.taken(step.url, signal);
          origin += performance.now() - before;
          break;
        }
        case 'request':
          if (messages.count === messages.atAnswer) await firstMessage(socket, signal);
          break;
        case 'cut':
          resetSocket(tcp);
          return false;
        case 'half-close':
          tcp.end();
          return false;
        case 'mute':
          tcp.pause();
          return false;
      }
    }
    return !signal.aborted;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const body = await this.#answers.take(request.url ?? '/', AbortSignal.any([gone.signal, this.#closing.signal]));
    if (body === undefined) {
      this.counters.notFound++;
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"the capture has no answer to this request"}');
      return;
    }
    this.counters.answers++;
    response.writeHead(200, { 'content-type': 'application/json' }).end(body);
  }
}

function answersOf(session: PlaySession | undefined): PlayAnswers {
  return new PlayAnswers((session?.steps ?? []).filter((step) => step.kind === 'answer'));
}

function firstMessage(socket: WebSocket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(end, FIRST_MESSAGE_MS);
    socket.once('message', end);
    signal.addEventListener('abort', end, { once: true });
  });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end, { once: true });
  });
}

/** Waits until the client has read most of what was sent. */
async function drained(socket: WebSocket, tcp: Socket, signal: AbortSignal): Promise<void> {
  while (socket.bufferedAmount > HIGH_WATER / 2 && !signal.aborted && !tcp.destroyed) await pause(1, signal);
}
