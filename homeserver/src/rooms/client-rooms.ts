// What the use cases of local clients need beside the rooms themselves.
import type { RoomAlias, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import type { RoomDependencies } from './room-dependencies.ts';
import type { RoomsSettings } from './rooms-settings.ts';

/** What a member event says of a person. */
export interface MemberProfile {
  readonly displayname?: string;
  readonly avatar_url?: string;
}

/** What rooms have to know of local people. */
export interface People {
  /** Empty for a user without a profile, or of another server. */
  findProfile(userId: UserId): Promise<MemberProfile>;
  /** True for a local account that is not deactivated. */
  isInUse(userId: UserId): Promise<boolean>;
  /** True while a local user may only read, leave and take back what they said. */
  isSuspended(userId: UserId): boolean;
  /** True for a local user who wants no invites (`m.invite_permission_config`). */
  blocksInvites(userId: UserId): Promise<boolean>;
  /** False for an alias that an app service has reserved and that is none of this user's. */
  mayUseAlias(userId: UserId, alias: RoomAlias): boolean;
  /** The senders whose messages the user does not want to see (`m.ignored_user_list`). */
  listIgnored(userId: UserId): Promise<ReadonlySet<string>>;
  /** The same as it was when it was last listed: for where nothing may be waited for. */
  readonly peekIgnored: (userId: UserId) => ReadonlySet<UserId>;
}

/** Brings what a local user keeps for a room into the one that replaces it; done again it does nothing. */
export type RoomMove = (userId: UserId, rooms: { readonly from: RoomId; readonly to: RoomId }) => Promise<void>;

export interface ClientRooms extends RoomDependencies {
  readonly people: People;
  readonly settings: RoomsSettings;
  /** Other features put theirs in; run before a user's join to a replacement. */
  readonly moves: RoomMove[];
}
