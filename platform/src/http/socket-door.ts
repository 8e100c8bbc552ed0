// What the application sees of WebSockets: a door to declare, and a thin connection to hold.

export interface SocketConnection {
  /** Sends one text frame; a Buffer is UTF-8 that was encoded before. `onSent` is called when the system has taken it. Ignored once closed. */
  send(text: string | Buffer, onSent?: () => void): void;
  /** Bytes that wait to be sent. */
  readonly bufferedAmount: number;
  readonly isOpen: boolean;
  /** Says goodbye with a close code (1000, 1001, 1008, 4000-4999…) and at most 123 bytes of reason. Cuts after a few seconds of no answer. */
  close(code: number, reason?: string): void;
  /** Cuts the connection without a word. */
  terminate(): void;
  /** Text frames, in order, from the moment of the call. Frames that came before wait for it. */
  onMessage(listener: (text: string) => void): void;
  /** Once, when the connection is gone; at once if it is gone already. */
  onClose(listener: (code: number) => void): void;
  /** Stops reading, so that the client is held up by its own sending. */
  pause(): void;
  resume(): void;
}

export interface SocketRequest {
  readonly requestId: string;
  readonly address: string;
  readonly userAgent: string;
  /** From the Authorization header only. */
  readonly accessToken: string | null;
  /** Decoded; the first value of each. */
  readonly query: ReadonlyMap<string, string>;
}

export interface WebSocketDoor {
  readonly path: string;
  /** The subprotocol; clients that offer only others are refused, those that offer none are let in. */
  readonly protocol: string;
  /** Bytes of one message; longer ones end the connection with 1009. */
  readonly maxPayloadBytes: number;
  /** Connections at a time; more are answered with 503. */
  readonly maxConnections: number;
  readonly onConnection: (socket: SocketConnection, request: SocketRequest) => void;
}
