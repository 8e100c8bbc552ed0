// What federation asks of a homeserver; homeserver implements it.
import type { EventId, RoomAlias, RoomId, ServerName, UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';

export interface QueryPort {
  /** The public profile of a local user; null where there is no such user. */
  findProfile(userId: UserId): Promise<Readonly<JsonObject> | null>;
  /** Where a local alias leads, and who is there; null for none. */
  findAlias(alias: RoomAlias): Promise<{ readonly roomId: RoomId; readonly servers: readonly ServerName[] } | null>;
  /** Whose OpenID token it is; null for an unknown or old one. */
  findOpenIdUser(token: string): Promise<UserId | null>;
}

export type Handshake = 'join' | 'leave' | 'knock';

export interface ReceivedMembership {
  readonly handshake: Handshake;
  readonly origin: ServerName;
  readonly roomId: RoomId;
  readonly eventId: EventId;
  readonly event: JsonObject;
}

export interface ReceivedInvite {
  readonly origin: ServerName;
  readonly roomId: RoomId;
  readonly eventId: EventId;
  readonly event: JsonObject;
  readonly roomVersion: string;
  readonly roomState: readonly JsonObject[];
}

/** Coming into rooms and out of them; answers are JSON texts. */
export interface MembershipPort {
  /** The answer of make_join, make_leave or make_knock. */
  make(request: {
    handshake: Handshake;
    origin: ServerName;
    roomId: RoomId;
    userId: UserId;
    versions: readonly string[] | null;
  }): Promise<JsonObject>;
  /** The answer of send_join, send_leave or send_knock in its newest form. */
  take(request: ReceivedMembership): Promise<string>;
  /** The event with our signature. */
  invite(request: ReceivedInvite): Promise<JsonObject>;
}

/** One event's fate: its id where it has one, and why it was not taken. */
export interface Reception {
  readonly eventId: EventId | null;
  readonly error: string | null;
}

export interface TransactionPort {
  /** Takes the events of one room in, in their order. */
  receiveEvents(batch: { roomId: RoomId; origin: ServerName; pdus: readonly JsonObject[] }): Promise<Reception[]>;
  /** Takes an EDU in; what it says of others than the origin's users counts for nothing. */
  receiveEdu(origin: ServerName, edu: { type: string; content: JsonObject }): Promise<void>;
  /** A server was heard of. */
  heardOf(origin: ServerName): void;
}

/** Reading rooms; events are JSON texts. */
export interface RoomReadPort {
  event(origin: ServerName, eventId: EventId): Promise<string>;
  state(request: { origin: ServerName; roomId: RoomId; eventId: EventId }): Promise<{
    state: readonly { readonly eventId: EventId; readonly text: string }[];
    authChain: readonly { readonly eventId: EventId; readonly text: string }[];
  }>;
  eventAuth(request: { origin: ServerName; roomId: RoomId; eventId: EventId }): Promise<readonly string[]>;
  backfill(request: {
    origin: ServerName;
    roomId: RoomId;
    from: readonly EventId[];
    limit: number;
  }): Promise<readonly string[]>;
  eventByTime(request: {
    origin: ServerName;
    roomId: RoomId;
    ts: number;
    dir: 'b' | 'f';
  }): Promise<{ readonly eventId: EventId; readonly originServerTs: number }>;
  missingEvents(request: {
    origin: ServerName;
    roomId: RoomId;
    earliest: readonly EventId[];
    latest: readonly EventId[];
    limit: number;
    minDepth: number;
  }): Promise<readonly string[]>;
}
