// The socket's frames (our own door to the same sync engine): JSON text over a WebSocket, subprotocol io.carillon.v1.
import { Type } from 'typebox';
import type { JsonObject, JsonValue } from './json.ts';

export const SOCKET_PATH = '/_matrix/client/unstable/io.carillon.socket';
export const SOCKET_PROTOCOL = 'io.carillon.v1';

/** A client that says nothing for so long is cut: it pings every 30 seconds. */
export const SOCKET_SILENCE_MS = 75_000;
export const SOCKET_START_TIMEOUT_MS = 10_000;
export const SOCKET_FIRST_FRAME_BYTES = 4_096;
export const SOCKET_MAX_FRAME_BYTES = 256 * 1024;
export const SOCKET_MAX_REQUESTS_IN_FLIGHT = 32;
export const SOCKET_MAX_ANSWER_BYTES = 1024 * 1024;
/** Deltas that a client may have without having acknowledged them; then changes gather until it does. */
export const SOCKET_MAX_UNACKNOWLEDGED = 4;

const Presence = Type.Union([Type.Literal('online'), Type.Literal('offline'), Type.Literal('unavailable')]);

/** The first frame. `access_token` may be in the Authorization header instead. */
export const StartFrame = Type.Object({
  op: Type.Literal('start'),
  access_token: Type.Optional(Type.String()),
  since: Type.Optional(Type.String()),
  /** A filter's id, or a filter. */
  filter: Type.Optional(Type.Union([Type.String(), Type.Object({})])),
  use_state_after: Type.Optional(Type.Boolean()),
  set_presence: Type.Optional(Presence),
});

export const AckFrame = Type.Object({ op: Type.Literal('ack'), pos: Type.String() });

export const RequestFrame = Type.Object({
  op: Type.Literal('request'),
  id: Type.Union([Type.Integer(), Type.String({ maxLength: 64 })]),
  method: Type.String(),
  path: Type.String(),
  body: Type.Optional(Type.Unknown()),
});

export const PingFrame = Type.Object({ op: Type.Literal('ping'), set_presence: Type.Optional(Presence) });

/** A renewed access token for the same session. */
export const AuthFrame = Type.Object({ op: Type.Literal('auth'), access_token: Type.String() });

export type ClientFrame =
  | Type.Static<typeof StartFrame>
  | Type.Static<typeof AckFrame>
  | Type.Static<typeof RequestFrame>
  | Type.Static<typeof PingFrame>
  | Type.Static<typeof AuthFrame>;

/** What the server sends. `close` comes right before the end. */
export type ServerFrame =
  | { readonly op: 'sync'; readonly pos: string; readonly data: JsonObject }
  | { readonly op: 'response'; readonly id: number | string; readonly status: number; readonly body: JsonValue }
  | { readonly op: 'pong' }
  | { readonly op: 'close'; readonly errcode: string; readonly error: string; readonly soft_logout?: boolean };
