// Builds every feature once and hands each what it needs; nothing else in the server knows how the others are made.
import { type Clock, systemClock } from '@carillon/platform/clock.ts';
import { signingKeyFromSeed } from '@carillon/platform/ed25519.ts';
import { createRateLimiter } from '@carillon/platform/http/rate-limit.ts';
import { loadSigningSeed, loadTokenSeed } from '@carillon/platform/key-file.ts';
import type { Lifecycle } from '@carillon/platform/lifecycle.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import { createMetrics, type Metrics } from '@carillon/platform/observe/metrics.ts';
import { systemRandom } from '@carillon/platform/random.ts';
import { VERSION } from '@carillon/platform/version.ts';
import { parseServerName } from '@carillon/protocol/identifiers.ts';
import { type Accounts, createAccounts } from './accounts/accounts.ts';
import { createAppservices, loadAppservices } from './appservice/appservice-directory.ts';
import { composeFederation } from './compose-federation.ts';
import { accountsSettings, type HomeserverConfig, rateRules } from './config-slices.ts';
import { createEndToEnd, type EndToEnd } from './devices/end-to-end.ts';
import { createEphemeral, type Ephemeral, type EphemeralDependencies } from './ephemeral/ephemeral.ts';
import { openStorage, type Storage } from './open-storage.ts';
import { findGlobal, peopleOf } from './people.ts';
import { movePushRules } from './push/move-push-rules.ts';
import { createPush, type Push, type PushDependencies } from './push/push.ts';
import { bundleRelations } from './rooms/bundled-relations.ts';
import type { ClientRooms } from './rooms/client-rooms.ts';
import { decorateEvents } from './rooms/decorate-events.ts';
import { findVisibleEvent } from './rooms/find-visible-event.ts';
import { findJoinedUntil } from './rooms/room-access.ts';
import { RoomCache } from './rooms/room-cache.ts';
import { createRoomTasks } from './rooms/room-tasks.ts';
import { TransactionIds } from './rooms/transaction-ids.ts';
import { viewEvents } from './rooms/visible-events.ts';
import { SearchIndex } from './search/searchable-words.ts';
import { measureServer } from './server-metrics.ts';
import { Notifier } from './streams/notifier.ts';
import { ChangeLog } from './sync/change-log.ts';
import { LazyMembers } from './sync/lazy-members.ts';
import { measureSync } from './sync/sync-meter.ts';
import type { SyncDependencies } from './sync/sync-request.ts';
import { UserRoomsCache } from './sync/user-rooms.ts';
import { Wake } from './sync/wake.ts';
import { syncSources } from './sync-adapter.ts';

export interface FeatureOptions {
  readonly config: HomeserverConfig;
  /** A `postgres://` URL. */
  readonly connection: string;
  readonly logger: Logger;
  /** Called once if the server cannot go on. */
  readonly onLost: (reason: Error) => void;
}

export type Features = Awaited<ReturnType<typeof composeFeatures>>;

/** Opens the storage, starts the features; what has to be stopped is in `lifecycle`. */
export async function composeFeatures(options: FeatureOptions, lifecycle: Lifecycle) {
  const { config, logger } = options;
  const serverName = parseServerName(config.server.name);
  const base = { logger, clock: systemClock as Clock, random: systemRandom, serverName };
  const metrics = config.listen.metrics === undefined ? null : createMetrics({ process: { version: VERSION } });
  const dataFolder = config.server.data_dir;
  const storage = await openStorage({ ...options, ...base, lifecycle, metrics, dataFolder });
  const rateLimiter = composeRateLimiter(config, metrics);
  const shared = { ...base, ...storage, metrics, rateLimiter, notifier: new Notifier() };
  const appserviceFolder = config.appservices.dir;
  const appservices = appserviceFolder
    ? loadAppservices(appserviceFolder, serverName)
    : createAppservices([], serverName);
  const accounts = createAccounts({
    ...shared,
    settings: accountsSettings(config),
    appservices,
    tokenSeed: loadTokenSeed(dataFolder, systemRandom),
  });
  lifecycle.use('accounts', accounts);
  await accounts.start();
  const { seed, keyId } = loadSigningSeed(dataFolder, systemRandom);
  const signingKey = signingKeyFromSeed(seed, keyId);
  const federation = composeFederation({ ...shared, config, lifecycle, signingKey });
  const rooms: ClientRooms = {
    ...shared,
    rooms: new RoomCache({ database: shared.database, serverName }),
    transactionIds: new TransactionIds(shared.database.points),
    signingKey,
    contributors: [federation.outbox.contributor],
    observers: [federation.outbox.observer],
    remote: federation.remote,
    moves: [],
    people: peopleOf(accounts),
    settings: { defaultRoomVersion: config.rooms.default_version, unsendWindowMs: config.messages.unsend_window },
  };
  const limitsEnabled = config.limits.enabled;
  const endToEnd = lifecycle.use('end-to-end', createEndToEnd({ ...shared, accounts, limitsEnabled }));
  const readers = await composeReaders({ config, storage, accounts, rooms, endToEnd }, lifecycle);
  if (metrics !== null) measureServer(metrics, { ...storage, rooms, userRooms: readers.sync.userRooms });
  return { ...shared, accounts, appservices, federation, rooms, endToEnd, ...readers };
}

function composeRateLimiter({ limits }: HomeserverConfig, metrics: Metrics | null) {
  const exempt = new Set(limits.exempt);
  const refused = metrics?.counters({ name: 'rate_limited_total', help: 'Refusals by rate limit.' }, ['rule']);
  return createRateLimiter({
    clock: systemClock,
    enabled: limits.enabled,
    rules: rateRules(limits),
    exempt: (userId) => exempt.has(userId),
    onRefused: (rule) => refused?.of(rule).add(),
  });
}

interface ReaderParts {
  readonly config: HomeserverConfig;
  readonly storage: Storage;
  readonly accounts: Accounts;
  readonly rooms: ClientRooms;
  readonly endToEnd: EndToEnd;
}

/** What reads rooms: receipts and presence, push counts, sync. Their hooks run with each event. */
async function composeReaders(parts: ReaderParts, lifecycle: Lifecycle) {
  const { storage, rooms } = parts;
  const userRooms = new UserRoomsCache(storage.database, rooms.notifier);
  const ephemeralDependencies = portsOfEphemeral(parts, userRooms);
  const ephemeral = lifecycle.use('ephemeral', createEphemeral(ephemeralDependencies));
  const pushDependencies: PushDependencies = {
    ...rooms,
    receipts: ephemeral.receipts,
    joinedRooms: ephemeralDependencies.joinedRooms,
    ignoredBy: rooms.people.peekIgnored,
  };
  const push = lifecycle.use('push', await createPush(pushDependencies));
  rooms.observers.push(ephemeral.observer, push.observer);
  rooms.contributors.push(push.contributor);
  rooms.moves.push((userId, move) => movePushRules(push.rules, userId, move));
  const sync = composeSync(parts, { ephemeral, push, userRooms });
  lifecycle.use('room tasks', createRoomTasks(rooms, parts.accounts)).start();
  const searchIndex = lifecycle.use('search index', new SearchIndex(rooms));
  rooms.observers.push(searchIndex.observer);
  searchIndex.start();
  return { ephemeral, ephemeralDependencies, push, pushDependencies, sync, searchIndex };
}

function portsOfEphemeral({ config, accounts, rooms }: ReaderParts, userRooms: UserRoomsCache): EphemeralDependencies {
  return {
    ...rooms,
    presenceEnabled: config.presence.enabled,
    findAccountData: (userId, type) => findGlobal(accounts, userId, type),
    roomAccountData: {
      find: async (userId, roomId, type) => {
        const text = await accounts.accountData.find({ userId, roomId, type });
        return text === undefined ? null : JSON.parse(text);
      },
      put: (userId, roomId, type, content) => accounts.accountData.update({ userId, roomId, type }, () => content),
    },
    joinedRooms: async (userId) => {
      const all = userRooms.peek(userId) ?? (await userRooms.load(userId));
      return [...all].filter(([, room]) => room.membership === 'join').map(([roomId]) => roomId);
    },
    findVisibleEvent: (userId, roomId, eventId) => findVisibleEvent(rooms, { userId, roomId, eventId }),
  };
}

interface SyncParts {
  readonly ephemeral: Ephemeral;
  readonly push: Push;
  readonly userRooms: UserRoomsCache;
}

function composeSync(parts: ReaderParts, { ephemeral, push, userRooms }: SyncParts) {
  const { accounts, rooms, endToEnd } = parts;
  const { database, streamWriter } = parts.storage;
  const { notifier, clock, people } = rooms;
  const dependencies: SyncDependencies = {
    database,
    streamWriter,
    clock,
    rooms: rooms.rooms,
    userRooms,
    sources: syncSources({ accounts, ephemeral, people, rooms: rooms.rooms, userRooms, push, endToEnd }),
    ...(parts.storage.metrics !== null && { meter: measureSync(parts.storage.metrics) }),
    changeLog: new ChangeLog(notifier, streamWriter.position),
    lazyMembers: new LazyMembers(),
    viewEvents: async (room, userId, events) => {
      const joinedUntil = await findJoinedUntil(rooms, room, userId);
      return viewEvents(rooms, { room, userId, joinedUntil }, events);
    },
    decorate: (room, events, device) => decorateEvents(database, room, events, device),
    bundleRelations: (viewer, events) => bundleRelations(rooms, viewer, events),
  };
  return { ...dependencies, notifier, wake: new Wake({ ...dependencies, notifier }) };
}
