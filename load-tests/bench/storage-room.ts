// A room filled through the server's own sending on its own Postgres, for measuring what it costs to keep.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRoomVersion } from '@carillon/event-graph/room-version.ts';
import { composeFeatures } from '@carillon/homeserver/compose-features.ts';
import { readHomeserverConfig } from '@carillon/homeserver/config.ts';
import { buildRoomEvent } from '@carillon/homeserver/rooms/build-room-event.ts';
import type { ClientRooms } from '@carillon/homeserver/rooms/client-rooms.ts';
import { persistEvents } from '@carillon/homeserver/rooms/persist-event.ts';
import type { Room } from '@carillon/homeserver/rooms/room.ts';
import { sendEvent } from '@carillon/homeserver/rooms/send-event.ts';
import { startRoom } from '@carillon/homeserver/rooms/start-room.ts';
import { sentByDevice } from '@carillon/homeserver/rooms/stored-event.ts';
import { systemClock } from '@carillon/platform/clock.ts';
import { startEmbeddedPostgres } from '@carillon/platform/database/embedded/embedded-postgres.ts';
import { Lifecycle } from '@carillon/platform/lifecycle.ts';
import { createLogger } from '@carillon/platform/logger.ts';
import { systemRandom } from '@carillon/platform/random.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';

const SERVER_NAME = 'bench.example.org';
/** People who send at the same time. */
const SENDERS_AT_ONCE = 64;
const FILLER = 'abcdefghijklmnopqrstuvwxyz0123456789 ';

export type StorageRoom = Awaited<ReturnType<typeof openStorageRoom>>;

const userOf = (index: number) => `@user${index}:${SERVER_NAME}` as UserId;
const deviceOf = (index: number) => `DEVICE${String(index).padStart(4, '0')}`;

/** A server in a temporary folder with an empty public room on it; everything goes with `close`. */
export async function openStorageRoom() {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-bench-'));
  const postgres = await startEmbeddedPostgres({ dataFolder: folder });
  const logger = createLogger({ level: 'error', format: 'text' });
  const lifecycle = new Lifecycle({ clock: systemClock, logger });
  const environment = { CARILLON_SERVER__NAME: SERVER_NAME, CARILLON_SERVER__DATA_DIR: folder };
  const readFile = () => '';
  const { config } = readHomeserverConfig({ file: null, environment, folder, home: folder, readFile });
  const onLost = (reason: Error) => {
    throw reason;
  };
  const features = await composeFeatures({ config, connection: postgres.connection, logger, onLost }, lifecycle);
  return {
    room: await makeRoom(features.rooms),
    rooms: features.rooms,
    database: features.database,
    async close() {
      await lifecycle.stop();
      await postgres.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function makeRoom(rooms: ClientRooms): Promise<Room> {
  const version = findRoomVersion(rooms.settings.defaultRoomVersion);
  if (version === undefined) throw new Error('the default room version is known');
  const creator = userOf(0);
  const { room, created } = startRoom(rooms, { version, creator, content: { room_version: version.id } });
  const state = (type: string, stateKey: string, content: JsonObject) =>
    buildRoomEvent(rooms, room, { type, stateKey, sender: creator, content });
  const built = [
    created,
    state('m.room.member', creator, { membership: 'join' }),
    state('m.room.power_levels', '', { users_default: 0 }),
    state('m.room.join_rules', '', { join_rule: 'public' }),
  ];
  rooms.rooms.add(room);
  await persistEvents(rooms, room, built);
  return room;
}

/** People 1 to `count` - 1 join. */
export function joinAll({ room, rooms }: StorageRoom, count: number): Promise<void> {
  return inParallel(count - 1, async (index) => {
    const sender = userOf(index + 1);
    const content = { membership: 'join', displayname: `User number ${index + 1}` };
    await sendEvent(rooms, { roomId: room.roomId, sender, type: 'm.room.member', stateKey: sender, content });
  });
}

/** Members change their names, one after the other, `count` times. */
export function rename({ room, rooms }: StorageRoom, count: number, members: number): Promise<void> {
  return inParallel(count, async (index) => {
    const sender = userOf((index * 37) % members);
    const content = { membership: 'join', displayname: `Renamed for the ${index}th time` };
    await sendEvent(rooms, { roomId: room.roomId, sender, type: 'm.room.member', stateKey: sender, content });
  });
}

/** Members say things, each under a transaction id of a device's, in events of about `eventBytes`. */
export async function talk(
  { room, rooms }: StorageRoom,
  count: number,
  { members, eventBytes }: { members: number; eventBytes: number },
): Promise<void> {
  let bodyCharacters = 500;
  const say = async (index: number) => {
    const member = (index * 37) % members;
    const sender = userOf(member);
    const transaction = `m${systemClock.now()}.${index}`;
    const content = { msgtype: 'm.text', body: text(bodyCharacters) };
    const sentBy = sentByDevice(sender, deviceOf(member), 'send/m.room.message', transaction);
    await sendEvent(rooms, { roomId: room.roomId, sender, type: 'm.room.message', content, sentBy });
  };
  await say(0);
  bodyCharacters += eventBytes - newestBytes(room);
  await inParallel(count - 1, (index) => say(index + 1));
}

/** The signed size of the room's newest event. */
export function newestBytes({ timeline, position }: Room): number {
  const newest = timeline.newest(position, 1)?.at(-1);
  if (newest === undefined) throw new Error('the room has a newest event');
  return Buffer.byteLength(newest.text);
}

/** Text that hardly compresses, as encrypted messages do. */
function text(characters: number): string {
  let written = '';
  for (const byte of systemRandom.bytes(characters)) written += FILLER[byte % FILLER.length];
  return written;
}

async function inParallel(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: SENDERS_AT_ONCE }, worker));
}
