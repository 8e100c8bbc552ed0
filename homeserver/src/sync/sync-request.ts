// What one sync asks for, and the engine's parts: shared by long-poll and socket.
import type { Clock } from '@carillon/platform/clock.ts';
import type { Database } from '@carillon/platform/database/database.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { BundleViewer } from '../rooms/bundled-relations.ts';
import type { Room } from '../rooms/room.ts';
import type { RoomCache } from '../rooms/room-cache.ts';
import type { StoredEvent } from '../rooms/stored-event.ts';
import type { VisibleEvent } from '../rooms/visible-events.ts';
import type { StreamToken } from '../streams/stream-token.ts';
import type { StreamWriter } from '../streams/stream-writer.ts';
import type { ChangeLog } from './change-log.ts';
import type { LazyMembers } from './lazy-members.ts';
import type { SyncFilter } from './sync-filter.ts';
import type { SyncMeter } from './sync-meter.ts';
import type { AccountDataEntry, SyncSources } from './sync-sources.ts';
import type { UserRooms, UserRoomsCache } from './user-rooms.ts';

/** Where the state goes: `state`, `state_after`, or `state_after` under its older name too. */
export type StatePlace = 'state' | 'state_after' | 'org.matrix.msc4222.state_after';

export interface SyncRequest {
  readonly userId: UserId;
  readonly deviceId: string | null;
  readonly sessionId: string;
  /** Null: from the beginning. */
  readonly since: StreamToken | null;
  readonly filter: SyncFilter;
  readonly fullState: boolean;
  readonly statePlace: StatePlace;
}

export interface SyncDependencies {
  readonly database: Database;
  readonly rooms: RoomCache;
  readonly streamWriter: StreamWriter;
  readonly clock: Clock;
  readonly changeLog: ChangeLog;
  readonly userRooms: UserRoomsCache;
  readonly lazyMembers: LazyMembers;
  readonly sources: SyncSources;
  readonly meter?: SyncMeter;
  /** Those of the events that this user may see (history visibility), with the user's membership at each. */
  readonly viewEvents: (room: Room, userId: UserId, events: readonly StoredEvent[]) => Promise<readonly VisibleEvent[]>;
  /** Completes `unsigned` of events that come from the database. */
  readonly decorate: (
    room: Room,
    events: readonly StoredEvent[],
    device: { userId: UserId; deviceId: string | null },
  ) => Promise<void>;
  /** `m.relations` of events that the viewer may see, by event id, as JSON text. */
  readonly bundleRelations: (
    viewer: BundleViewer,
    events: readonly StoredEvent[],
  ) => Promise<ReadonlyMap<string, string>>;
}

/** What one sync knows before it looks at single rooms. */
export interface SyncScope {
  readonly request: SyncRequest;
  /** Everything up to here is told. */
  readonly until: number;
  readonly volatileUntil: number;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly ignored: ReadonlySet<string>;
  /** The user's rooms as of `until`. */
  readonly userRooms: UserRooms;
}

export interface JoinedRoomScope {
  readonly sync: SyncScope;
  readonly room: Room;
  /** Null: the reader is new to the room, or to everything. */
  readonly since: number | null;
  /** Account data of this room to tell. */
  readonly accountData: readonly AccountDataEntry[];
  readonly fullState: boolean;
  /** True where the reader was not joined all the time since `since`: each event is looked at. */
  readonly checkVisibility: boolean;
}
