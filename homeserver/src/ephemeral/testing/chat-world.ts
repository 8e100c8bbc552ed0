// Rooms with real events on a real Postgres, without accounts: people are ids. With the ephemeral features around them.
import { join } from 'node:path';
import { findRoomVersion } from '@carillon/event-graph/room-version.ts';
import { systemClock } from '@carillon/platform/clock.ts';
import type { BatchWriter, Database } from '@carillon/platform/database/database.ts';
import { signingKeyFromSeed } from '@carillon/platform/ed25519.ts';
import type { Caller, Handler } from '@carillon/platform/http/handle.ts';
import { createRateLimiter } from '@carillon/platform/http/rate-limit.ts';
import { createHttpServer } from '@carillon/platform/http/server.ts';
import { systemRandom } from '@carillon/platform/random.ts';
import { memoryLogger } from '@carillon/platform/testing/memory-logger.ts';
import { createTestDatabase } from '@carillon/platform/testing/test-database.ts';
import { VirtualClock } from '@carillon/platform/testing/virtual-clock.ts';
import { type EventId, parseServerName, type RoomId, type UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { buildRoomEvent } from '../../rooms/build-room-event.ts';
import { findEvent } from '../../rooms/find-event.ts';
import { persistEvents } from '../../rooms/persist-event.ts';
import { RoomCache } from '../../rooms/room-cache.ts';
import type { RoomDependencies } from '../../rooms/room-dependencies.ts';
import { sendEvent } from '../../rooms/send-event.ts';
import { startRoom } from '../../rooms/start-room.ts';
import { TransactionIds } from '../../rooms/transaction-ids.ts';
import { type Change, Notifier } from '../../streams/notifier.ts';
import { findWrittenPosition } from '../../streams/stream-position.store.ts';
import { StreamWriter } from '../../streams/stream-writer.ts';
import { createEphemeral, type EphemeralDependencies } from '../ephemeral.ts';

export const SERVER_NAME = parseServerName('test.example');
const MIGRATIONS = [join(import.meta.dirname, '..', '..', '..', 'migrations')];

export const user = (name: string) => `@${name}:${SERVER_NAME}` as UserId;

export interface Reply {
  readonly status: number;
  readonly body: JsonObject;
}

export type ChatWorld = Awaited<ReturnType<typeof openChatWorld>>;

/** Opens one; `close` drops its database. */
export async function openChatWorld() {
  const test = await createTestDatabase({ migrations: MIGRATIONS });
  const { database } = test;
  const writer = database.openBatchWriter();
  const rooms = await roomsOn(database, writer);
  const { clock, notifier, streamWriter } = rooms;
  const changes: Change[] = [];
  for (const kind of ['receipt', 'accountData', 'typing', 'presence'] as const) {
    notifier.on(kind, (change) => changes.push(change));
  }
  const accountData = new Map<string, JsonObject>();
  const dependencies = ephemeralOn(rooms, accountData);
  const ephemeral = createEphemeral(dependencies);
  rooms.observers.push(ephemeral.observer);
  return {
    database,
    clock,
    notifier,
    changes,
    rooms,
    dependencies,
    ephemeral,
    accountData,
    ...talkIn(rooms),
    async close() {
      await ephemeral.close();
      await streamWriter.drain();
      await writer.close();
      await test.drop();
    },
  };
}

async function roomsOn(database: Database, writer: BatchWriter): Promise<RoomDependencies & { clock: VirtualClock }> {
  const logger = memoryLogger();
  const loadWrittenPosition = () => findWrittenPosition(database);
  const streamWriter = new StreamWriter(
    { writer, loadWrittenPosition, logger, clock: systemClock },
    await loadWrittenPosition(),
  );
  return {
    database,
    streamWriter,
    notifier: new Notifier(),
    clock: new VirtualClock(),
    logger,
    random: systemRandom,
    serverName: SERVER_NAME,
    rooms: new RoomCache({ database, serverName: SERVER_NAME }),
    signingKey: signingKeyFromSeed(systemRandom.bytes(32), 'ed25519:1'),
    transactionIds: new TransactionIds(database),
    contributors: [],
    observers: [],
  };
}

/** Account data are a map; everyone may see everything. */
function ephemeralOn(rooms: RoomDependencies, accountData: Map<string, JsonObject>): EphemeralDependencies {
  const joined = new Map<UserId, Set<RoomId>>();
  rooms.notifier.on('membership', ({ userId, roomId, membership }) => {
    const ofUser = joined.get(userId) ?? new Set();
    joined.set(userId, ofUser);
    if (membership === 'join') ofUser.add(roomId);
    else ofUser.delete(roomId);
  });
  return {
    ...rooms,
    presenceEnabled: true,
    findAccountData: async (userId, type) => accountData.get(`${userId} ${type}`) ?? null,
    roomAccountData: {
      find: async (userId, roomId, type) => accountData.get(`${userId} ${roomId} ${type}`) ?? null,
      put: async (userId, roomId, type, content) => void accountData.set(`${userId} ${roomId} ${type}`, content),
    },
    joinedRooms: async (userId) => joined.get(userId) ?? [],
    findVisibleEvent: async (_userId, roomId, eventId) => {
      const room = await rooms.rooms.load(roomId);
      return (await findEvent(rooms, room, eventId)) ?? null;
    },
  };
}

function talkIn(rooms: RoomDependencies) {
  const send = (roomId: RoomId, sender: UserId, content: JsonObject, type = 'm.room.message') =>
    sendEvent(rooms, { roomId, sender, type, content });
  const setMember = (roomId: RoomId, userId: UserId, membership: string, sender = userId) =>
    sendEvent(rooms, { roomId, sender, type: 'm.room.member', stateKey: userId, content: { membership } });
  return {
    send,
    setMember,
    say: (roomId: RoomId, sender: UserId, body: string, more: JsonObject = {}): Promise<EventId> =>
      send(roomId, sender, { msgtype: 'm.text', body, ...more }),
    /** A public room; the first of the people makes it, the others join. */
    async makeRoom(creator: UserId, ...others: UserId[]): Promise<RoomId> {
      const version = findRoomVersion('11');
      if (version === undefined) throw new Error('room version 11 is known');
      const { room, created } = startRoom(rooms, { version, creator, content: { room_version: '11' } });
      const state = (type: string, stateKey: string, content: JsonObject) =>
        buildRoomEvent(rooms, room, { type, stateKey, sender: creator, content });
      const built = [
        created,
        state('m.room.member', creator, { membership: 'join' }),
        state('m.room.power_levels', '', { users: { [creator]: 100 } }),
        state('m.room.join_rules', '', { join_rule: 'public' }),
      ];
      rooms.rooms.add(room);
      await persistEvents(rooms, room, built);
      for (const other of others) await setMember(room.roomId, other, 'join');
      return room.roomId;
    },
  };
}

/** Serves routes over HTTP; the bearer token is the caller's user id. Responses are checked against their contracts. */
export async function serve(handlers: Handler[]) {
  const http = createHttpServer({
    handlers,
    authenticate: async ({ accessToken }) => callerOf(accessToken as UserId),
    limiter: createRateLimiter({ clock: systemClock, enabled: false, rules: {} }),
    logger: memoryLogger(),
    clock: systemClock,
    random: systemRandom,
    options: { validateResponses: true },
  });
  const { port } = await http.listen('127.0.0.1', 0);
  return {
    async call(userId: UserId, method: string, path: string, body?: JsonObject): Promise<Reply> {
      const response = await fetch(`http://127.0.0.1:${port}/_matrix/client/v3${path}`, {
        method,
        headers: { authorization: `Bearer ${userId}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: (await response.json()) as JsonObject };
    },
    close: () => http.close(),
  };
}

function callerOf(userId: UserId): Caller {
  return { userId, deviceId: 'PHONE', sessionId: userId, isGuest: false, isAdmin: false, appservice: null };
}
