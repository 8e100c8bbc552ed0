// Rooms on a real database for tests: people are a map, and contracts are called as their handlers run.
import { systemClock } from '@carillon/platform/clock.ts';
import { signingKeyFromSeed } from '@carillon/platform/ed25519.ts';
import { type Caller, EncodedJson, type Handler } from '@carillon/platform/http/handle.ts';
import { compileCheck, type SchemaCheck } from '@carillon/platform/http/schema-check.ts';
import { systemRandom } from '@carillon/platform/random.ts';
import { memoryLogger } from '@carillon/platform/testing/memory-logger.ts';
import { createTestDatabase } from '@carillon/platform/testing/test-database.ts';
import { VirtualClock } from '@carillon/platform/testing/virtual-clock.ts';
import type { BodyOf, Endpoint, QueryOf } from '@carillon/protocol/endpoint.ts';
import type { EventId, RoomId, ServerName, UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { MatrixError } from '@carillon/protocol/matrix-error.ts';
import { Notifier } from '../../streams/notifier.ts';
import { findWrittenPosition } from '../../streams/stream-position.store.ts';
import { StreamWriter } from '../../streams/stream-writer.ts';
import type { ClientRooms, MemberProfile } from '../client-rooms.ts';
import { createRoom } from '../create-room.ts';
import { RoomCache } from '../room-cache.ts';
import type { CreateRoomRequest } from '../room-template.ts';
import { roomRoutes } from '../rooms.routes.ts';
import { sendEvent } from '../send-event.ts';
import { TransactionIds } from '../transaction-ids.ts';

export const SERVER_NAME = 'test.example' as ServerName;
export const userOf = (name: string): UserId => `@${name}:${SERVER_NAME}` as UserId;
export const ALICE = userOf('alice');
export const BOB = userOf('bob');
export const CAROL = userOf('carol');

/** What a call may say. */
export interface CallOptions<E extends Endpoint> {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: QueryOf<E>;
  readonly body?: BodyOf<E>;
  readonly as?: Partial<Caller>;
}

/** An answer's JSON as tests look at it. */
// biome-ignore lint/suspicious/noExplicitAny: a test reads answers by the members that it expects
export type Answer = any;

export interface World {
  readonly rooms: ClientRooms & { clock: VirtualClock };
  readonly profiles: Map<UserId, MemberProfile>;
  readonly unknownUsers: Set<string>;
  readonly blocking: Set<string>;
  readonly suspended: Set<string>;
  readonly ignored: Map<UserId, Set<UserId>>;
  call<E extends Endpoint>(user: UserId, contract: E, options?: CallOptions<E>): Promise<Answer>;
  /** The refusal's status and errcode; fails where there was none. */
  refusal(work: Promise<unknown>): Promise<string>;
  create(user: UserId, request?: CreateRoomRequest): Promise<RoomId>;
  say(user: UserId, roomId: RoomId, body: string): Promise<EventId>;
  setState(
    user: UserId,
    roomId: RoomId,
    state: { type: string; stateKey?: string; content: JsonObject },
  ): Promise<EventId>;
  /** A world on the same database with nothing in memory. */
  restarted(): ClientRooms & { clock: VirtualClock };
  close(): Promise<void>;
}

const MIGRATIONS = new URL('../../../migrations', import.meta.url).pathname;

export async function openWorld(settings: Partial<ClientRooms['settings']> = {}): Promise<World> {
  const test = await createTestDatabase({ migrations: [MIGRATIONS] });
  const { database } = test;
  const writer = database.openBatchWriter();
  const logger = memoryLogger();
  const loadWrittenPosition = () => findWrittenPosition(database);
  const dependencies = { writer, loadWrittenPosition, logger, clock: systemClock };
  const streamWriter = new StreamWriter(dependencies, await loadWrittenPosition());
  const profiles = new Map<UserId, MemberProfile>();
  const unknownUsers = new Set<string>();
  const blocking = new Set<string>();
  const suspended = new Set<string>();
  const ignored = new Map<UserId, Set<UserId>>();
  const inMemory = () => ({
    rooms: new RoomCache({ database, serverName: SERVER_NAME }),
    transactionIds: new TransactionIds(database),
  });
  const rooms: World['rooms'] = {
    ...{ database, streamWriter, logger, serverName: SERVER_NAME, random: systemRandom, clock: new VirtualClock() },
    ...inMemory(),
    notifier: new Notifier(),
    signingKey: signingKeyFromSeed(systemRandom.bytes(32), 'ed25519:1'),
    contributors: [],
    observers: [],
    moves: [],
    people: {
      findProfile: async (userId) => profiles.get(userId) ?? {},
      isInUse: async (userId) => !unknownUsers.has(userId),
      isSuspended: (userId) => suspended.has(userId),
      blocksInvites: async (userId) => blocking.has(userId),
      listIgnored: async (userId) => ignored.get(userId) ?? new Set(),
      mayUseAlias: () => true,
      peekIgnored: (userId) => ignored.get(userId) ?? new Set(),
    },
    settings: { defaultRoomVersion: '12', unsendWindowMs: null, ...settings },
  };
  return {
    ...{ rooms, profiles, unknownUsers, blocking, suspended, ignored },
    call: caller(roomRoutes(rooms)),
    refusal,
    create: (user, request = {}) => createRoom(rooms, user, request),
    say: (sender, roomId, body) =>
      sendEvent(rooms, { roomId, sender, type: 'm.room.message', content: { msgtype: 'm.text', body } }),
    setState: (sender, roomId, { type, stateKey = '', content }) =>
      sendEvent(rooms, { roomId, sender, type, stateKey, content }),
    restarted: () => ({ ...rooms, ...inMemory() }),
    async close() {
      await streamWriter.drain();
      await writer.close();
      await test.drop();
    },
  };
}

const checks = new Map<unknown, SchemaCheck>();

function checkOf({ endpoint }: Handler): SchemaCheck {
  const check = checks.get(endpoint) ?? compileCheck(endpoint.response);
  checks.set(endpoint, check);
  return check;
}

/** Calls a contract of these handlers as a user; the answer must be as the contract says. */
export function caller(handlers: readonly Handler[]): World['call'] {
  return async (userId, contract, { path = {}, query = {}, body, as = {} } = {}) => {
    const handler = handlers.find((candidate) => candidate.endpoint === contract);
    if (handler === undefined) throw new Error(`${contract.path} has no handler`);
    const auth: Caller = {
      ...{ userId, deviceId: 'DEVICE', sessionId: 's', isGuest: false, isAdmin: false, appservice: null },
      ...as,
    };
    // The handler checks nothing itself: what mount() would have checked is the test's to give rightly.
    const answer = await handler.run({ path, query, body, auth } as never);
    const json = answer instanceof EncodedJson ? JSON.parse(answer.text) : answer;
    const fault = checkOf(handler)(json);
    if (fault !== null) throw new Error(`${contract.path}: ${fault.path} ${fault.message}`);
    return json;
  };
}

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof MatrixError) return `${error.status} ${error.errcode}`;
    throw error;
  }
  throw new Error('nothing was refused');
}
