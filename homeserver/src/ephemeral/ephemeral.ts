// Everything that passes: typing, receipts, delivered ticks and presence, built together. What the sync engine reads is
// listed in Ephemeral.
import type { Clock } from '@carillon/platform/clock.ts';
import type { Database } from '@carillon/platform/database/database.ts';
import type { Handler } from '@carillon/platform/http/handle.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import type { Random } from '@carillon/platform/random.ts';
import { type EventId, type RoomId, type ServerName, serverOf, type UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import type { EventObserver } from '../rooms/persist-event.ts';
import type { RoomCache } from '../rooms/room-cache.ts';
import type { StoredEvent } from '../rooms/stored-event.ts';
import type { Notifier } from '../streams/notifier.ts';
import type { StreamWriter } from '../streams/stream-writer.ts';
import { Delivered } from './delivered.ts';
import { LastActive } from './last-active.ts';
import { presenceRoutes } from './presence.routes.ts';
import { Presence } from './presence.ts';
import { Privacy } from './privacy.ts';
import { receiptRoutes } from './receipts.routes.ts';
import { Receipts } from './receipts.ts';
import type { RoomAccountData } from './send-receipt.ts';
import { typingRoutes } from './typing.routes.ts';
import { Typing } from './typing.ts';
import { VolatilePosition } from './volatile-position.ts';

export interface EphemeralDependencies {
  readonly database: Database;
  readonly streamWriter: StreamWriter;
  readonly notifier: Notifier;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly serverName: ServerName;
  readonly rooms: RoomCache;
  readonly presenceEnabled: boolean;
  /** The content of a piece of global account data, or null. */
  readonly findAccountData: (userId: UserId, type: string) => Promise<JsonObject | null>;
  readonly roomAccountData: RoomAccountData;
  /** The rooms that a local user has joined. */
  readonly joinedRooms: (userId: UserId) => Promise<Iterable<RoomId>>;
  /** The event if the user may see it in this room, wherever it is stored. */
  readonly findVisibleEvent: (userId: UserId, roomId: RoomId, eventId: EventId) => Promise<StoredEvent | null>;
}

export interface Ephemeral {
  readonly volatilePosition: VolatilePosition;
  readonly typing: Typing;
  readonly receipts: Receipts;
  readonly delivered: Delivered;
  readonly presence: Presence;
  readonly privacy: Privacy;
  /** For PersistDependencies.observers: who sends is active, and has stopped typing. */
  readonly observer: EventObserver;
  /** Ends timers and writes what is unwritten. */
  close(): Promise<void>;
}

/** Builds the feature; timers start at once. */
export function createEphemeral(dependencies: EphemeralDependencies): Ephemeral {
  const volatilePosition = new VolatilePosition(dependencies.random);
  const privacy = new Privacy(dependencies);
  const lastActive = new LastActive(dependencies);
  const receipts = new Receipts(dependencies);
  const typing = new Typing({ ...dependencies, volatilePosition });
  const delivered = new Delivered({ ...dependencies, receipts, privacy });
  const presence = new Presence({
    ...dependencies,
    enabled: dependencies.presenceEnabled,
    volatilePosition,
    privacy,
    lastActive,
  });
  return {
    volatilePosition,
    typing,
    receipts,
    delivered,
    presence,
    privacy,
    observer: observeSender({ typing, presence, serverName: dependencies.serverName }),
    async close() {
      typing.close();
      presence.close();
      await delivered.close();
      await lastActive.close();
    },
  };
}

/** The endpoints of the feature. */
export function ephemeralRoutes(dependencies: EphemeralDependencies, ephemeral: Ephemeral): Handler[] {
  const all = { ...dependencies, ...ephemeral };
  return [...typingRoutes(all), ...receiptRoutes(all), ...presenceRoutes(all)];
}

function observeSender(parts: { typing: Typing; presence: Presence; serverName: ServerName }): EventObserver {
  const { typing, presence, serverName } = parts;
  return (room, { event }) => {
    const member = event.type === 'm.room.member' ? event.stateKey : undefined;
    if (member !== undefined && !room.joinedLocalUsers.has(member as UserId)) {
      typing.stop(room.roomId, member as UserId);
    }
    if (event.stateKey === undefined) typing.stop(room.roomId, event.sender);
    if (serverOf(event.sender) === serverName) presence.active(event.sender);
  };
}
