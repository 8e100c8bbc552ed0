// What federation asks of a homeserver; homeserver implements it.
import type { RoomAlias, RoomId, ServerName, UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';

export interface QueryPort {
  /** The public profile of a local user; null where there is no such user. */
  findProfile(userId: UserId): Promise<Readonly<JsonObject> | null>;
  /** Where a local alias leads, and who is there; null for none. */
  findAlias(alias: RoomAlias): Promise<{ readonly roomId: RoomId; readonly servers: readonly ServerName[] } | null>;
  /** Whose OpenID token it is; null for an unknown or old one. */
  findOpenIdUser(token: string): Promise<UserId | null>;
}
