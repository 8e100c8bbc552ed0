// The whole server's features on a real database, and its sync engine asked directly.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@carillon/platform/clock.ts';
import { Lifecycle } from '@carillon/platform/lifecycle.ts';
import { memoryLogger } from '@carillon/platform/testing/memory-logger.ts';
import { createTestDatabase } from '@carillon/platform/testing/test-database.ts';
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { createAccount } from '../../accounts/create-account.ts';
import { composeFeatures, type Features } from '../../compose-features.ts';
import { readHomeserverConfig } from '../../config.ts';
import { sendReceipt } from '../../ephemeral/send-receipt.ts';
import { banUser, inviteUser, kickUser, leaveRoom } from '../../rooms/change-membership.ts';
import { createRoom } from '../../rooms/create-room.ts';
import { forgetRoom } from '../../rooms/forget-room.ts';
import { joinRoom } from '../../rooms/join-room.ts';
import { redactEvent } from '../../rooms/redact-event.ts';
import type { CreateRoomRequest } from '../../rooms/room-template.ts';
import { sendEvent } from '../../rooms/send-event.ts';
import { sentByDevice } from '../../rooms/stored-event.ts';
import { ChangeLog } from '../change-log.ts';
import { LazyMembers } from '../lazy-members.ts';
import { longPoll } from '../long-poll.ts';
import { readSyncFilter } from '../sync-filter.ts';
import type { StatePlace, SyncRequest } from '../sync-request.ts';
import { UserRoomsCache } from '../user-rooms.ts';

export const SERVER_NAME = 'test.example';

export interface ClientEvent {
  readonly event_id: EventId;
  readonly type: string;
  readonly sender: UserId;
  readonly state_key?: string;
  readonly content: JsonObject;
  readonly unsigned: JsonObject;
}

interface RoomBody {
  readonly timeline: { events: ClientEvent[]; limited: boolean; prev_batch?: string };
  readonly state?: { events: ClientEvent[] };
  readonly state_after?: { events: ClientEvent[] };
  readonly account_data: { events: { type: string; content: JsonObject }[] };
}

export interface JoinedBody extends RoomBody {
  readonly ephemeral: { events: { type: string; content: JsonObject }[] };
  readonly unread_notifications: { highlight_count: number; notification_count: number };
  readonly summary?: JsonObject;
}

export interface SyncBody {
  readonly next_batch: string;
  readonly account_data?: { events: { type: string; content: JsonObject }[] };
  readonly rooms?: {
    readonly join?: Record<RoomId, JoinedBody>;
    readonly leave?: Record<RoomId, RoomBody>;
    readonly invite?: Record<RoomId, { invite_state: { events: ClientEvent[] } }>;
  };
}

export interface SyncOptions {
  readonly since?: string | undefined;
  readonly filter?: JsonObject;
  readonly fullState?: boolean;
  readonly statePlace?: StatePlace;
  readonly deviceId?: string;
  readonly timeoutMs?: number;
}

export type SyncWorld = Awaited<ReturnType<typeof openSyncWorld>>;

/** Opens one; close() drops its database. */
export async function openSyncWorld() {
  const migrations = join(import.meta.dirname, '..', '..', '..', 'migrations');
  const test = await createTestDatabase({ migrations: [migrations] });
  const folder = mkdtempSync(join(tmpdir(), 'carillon-sync-'));
  const logger = memoryLogger();
  const { config } = readHomeserverConfig({
    file: null,
    environment: { CARILLON_SERVER__NAME: SERVER_NAME, CARILLON_SERVER__DATA_DIR: folder },
    folder,
    home: folder,
    readFile: () => '',
  });
  let lifecycle: Lifecycle;
  let features: Features;
  const start = async () => {
    lifecycle = new Lifecycle({ clock: systemClock, logger });
    const onLost = (reason: Error) => {
      throw reason;
    };
    features = await composeFeatures({ config, connection: test.connection, logger, onLost }, lifecycle);
  };
  await start();
  let names = 0;
  let transactions = 0;

  const requestOf = (userId: UserId, options: SyncOptions = {}): Omit<SyncRequest, 'since'> => {
    const { deviceId = 'PHONE', filter = {}, fullState = false, statePlace = 'state' } = options;
    const sessionId = `${userId} ${deviceId}`;
    return { userId, deviceId, sessionId, filter: readSyncFilter(JSON.stringify(filter)), fullState, statePlace };
  };
  const setState = (roomId: RoomId, sender: UserId, type: string, content: JsonObject, stateKey = '') =>
    sendEvent(features.rooms, { roomId, sender, type, stateKey, content });
  const say = (roomId: RoomId, sender: UserId, body: string, more: JsonObject = {}) =>
    sendEvent(features.rooms, {
      roomId,
      sender,
      type: 'm.room.message',
      content: { msgtype: 'm.text', body, ...more },
      sentBy: sentByDevice(sender, 'PHONE', 'send', `t${transactions++}`),
    });

  return {
    get features() {
      return features;
    },
    logger,
    /** Stops everything and starts it again on the same data. */
    async restart() {
      await lifecycle.stop();
      await start();
    },
    /** The sync engine forgets all it has in memory, as if it had just started. */
    forgetMemory() {
      const { sync, notifier, streamWriter, database } = features;
      Object.assign(sync, {
        changeLog: new ChangeLog(notifier, streamWriter.position),
        userRooms: new UserRoomsCache(database, notifier),
        lazyMembers: new LazyMembers(),
      });
    },
    /** New users, whose names nobody had before. */
    async users(count: number): Promise<UserId[]> {
      const made: UserId[] = [];
      for (let index = 0; index < count; index++) {
        const userId = `@user${names++}:${SERVER_NAME}` as UserId;
        const account = { userId, password: null, isAdmin: false, appserviceId: null, userType: null };
        await createAccount(features.accounts.parts, account);
        made.push(userId);
      }
      return made;
    },
    requestOf,
    /** A sync's body as text. */
    async syncText(userId: UserId, options: SyncOptions = {}): Promise<string> {
      const { signal } = new AbortController();
      const poll = { request: requestOf(userId, options), since: options.since, signal };
      return (await longPoll(features.sync, { ...poll, timeoutMs: options.timeoutMs ?? 0 })).text;
    },
    async sync(userId: UserId, options: SyncOptions = {}): Promise<SyncBody> {
      return JSON.parse(await this.syncText(userId, options)) as SyncBody;
    },
    create: (userId: UserId, request: CreateRoomRequest = { preset: 'public_chat' }) =>
      createRoom(features.rooms, userId, request),
    join: (roomId: RoomId, userId: UserId) => joinRoom(features.rooms, { roomId, userId, isGuest: false }),
    leave: (roomId: RoomId, sender: UserId) => leaveRoom(features.rooms, { roomId, sender }),
    invite: (roomId: RoomId, sender: UserId, target: UserId) => inviteUser(features.rooms, { roomId, sender, target }),
    kick: (roomId: RoomId, sender: UserId, target: UserId) => kickUser(features.rooms, { roomId, sender, target }),
    ban: (roomId: RoomId, sender: UserId, target: UserId) => banUser(features.rooms, { roomId, sender, target }),
    forget: (roomId: RoomId, userId: UserId) => forgetRoom(features.rooms, { roomId, userId }),
    redact: (roomId: RoomId, sender: UserId, targetId: EventId) =>
      redactEvent(features.rooms, { roomId, sender, targetId, isAdmin: false, content: {} }),
    say,
    setState,
    async sayMany(roomId: RoomId, sender: UserId, count: number): Promise<EventId[]> {
      return Promise.all(Array.from({ length: count }, (_, index) => say(roomId, sender, `message ${index}`)));
    },
    read: (roomId: RoomId, userId: UserId, eventId: EventId, type: 'm.read' | 'm.read.private' = 'm.read') =>
      sendReceipt(
        { ...features.ephemeralDependencies, ...features.ephemeral },
        { roomId, userId, eventId, type, threadId: undefined },
      ),
    setAccountData: (userId: UserId, roomId: RoomId | null, type: string, content: JsonObject) =>
      features.accounts.accountData.update({ userId, roomId, type }, () => content),
    async close() {
      await lifecycle.stop();
      await test.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The ids of a list of events. */
export const idsOf = (events: readonly { readonly event_id: EventId }[] = []): EventId[] =>
  events.map((event) => event.event_id);
