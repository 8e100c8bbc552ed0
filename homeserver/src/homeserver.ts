// The composition root: the one place that builds the server's parts and hands them to each other.
import { type Clock, systemClock } from '@carillon/platform/clock.ts';
import { signingKeyFromSeed } from '@carillon/platform/ed25519.ts';
import { loadSigningSeed, loadTokenSeed } from '@carillon/platform/key-file.ts';
import { Lifecycle } from '@carillon/platform/lifecycle.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import { systemRandom } from '@carillon/platform/random.ts';
import { parseServerName, type UserId } from '@carillon/protocol/identifiers.ts';
import { type Accounts, createAccounts } from './accounts/accounts.ts';
import { createAppservices, loadAppservices } from './appservice/appservice-directory.ts';
import { accountsSettings, type HomeserverConfig } from './config-slices.ts';
import { createEphemeral, type EphemeralDependencies } from './ephemeral/ephemeral.ts';
import { openDoors } from './open-doors.ts';
import { openStorage, type Storage } from './open-storage.ts';
import { findGlobal, peopleOf } from './people.ts';
import { createPush, type PushDependencies } from './push/push.ts';
import type { ClientRooms } from './rooms/client-rooms.ts';
import { decorateEvents } from './rooms/decorate-events.ts';
import { findEvent } from './rooms/find-event.ts';
import { findAccess } from './rooms/room-access.ts';
import { RoomCache } from './rooms/room-cache.ts';
import { TransactionIds } from './rooms/transaction-ids.ts';
import { visibleEvents } from './rooms/visible-events.ts';
import { Notifier } from './streams/notifier.ts';
import { ChangeLog } from './sync/change-log.ts';
import { LazyMembers } from './sync/lazy-members.ts';
import { UserRoomsCache } from './sync/user-rooms.ts';
import { Wake } from './sync/wake.ts';
import { syncSources } from './sync-adapter.ts';

export interface HomeserverOptions {
  readonly config: HomeserverConfig;
  /** A `postgres://` URL. */
  readonly connection: string;
  readonly logger: Logger;
  /** Called once if the server cannot go on. */
  readonly onLost: (reason: Error) => void;
  /** Throws for answers that do not fit their contract: for tests. */
  readonly validateResponses?: boolean;
}

export interface Homeserver {
  /** Where clients connect, as `http://host:port`. */
  readonly clientUrl: string;
  /** The path and fragment of the link for the first account; null once there is one. */
  readonly setupLink: string | null;
  close(): Promise<void>;
}

/** Builds everything, serves, and resolves when clients can connect. Rejects with a StartFault for what a person must mend. */
export async function openHomeserver(options: HomeserverOptions): Promise<Homeserver> {
  const { logger } = options;
  const lifecycle = new Lifecycle({ clock: systemClock, logger });
  try {
    const features = await composeFeatures(options, lifecycle);
    const clientUrl = await openDoors({ ...features, ...options, lifecycle });
    return {
      clientUrl,
      setupLink: await features.accounts.renewSetupLink(),
      close: async () => void (await lifecycle.stop()),
    };
  } catch (error) {
    await lifecycle.stop();
    throw error;
  }
}

export type Features = Awaited<ReturnType<typeof composeFeatures>>;

async function composeFeatures(options: HomeserverOptions, lifecycle: Lifecycle) {
  const { config, logger } = options;
  const serverName = parseServerName(config.server.name);
  const base = { logger, clock: systemClock as Clock, random: systemRandom, serverName };
  const storage = await openStorage({ ...options, ...base, lifecycle });
  const shared = { ...base, ...storage, notifier: new Notifier() };
  const dataFolder = config.server.data_dir;
  const appserviceFolder = config.appservices.dir;
  const accounts = createAccounts({
    ...shared,
    settings: accountsSettings(config),
    appservices: appserviceFolder ? loadAppservices(appserviceFolder, serverName) : createAppservices([], serverName),
    tokenSeed: loadTokenSeed(dataFolder, systemRandom),
  });
  lifecycle.use('accounts', accounts);
  await accounts.start();
  const { seed, keyId } = loadSigningSeed(dataFolder, systemRandom);
  const rooms: ClientRooms = {
    ...shared,
    rooms: new RoomCache({ database: shared.database, serverName }),
    transactionIds: new TransactionIds(shared.database.points),
    signingKey: signingKeyFromSeed(seed, keyId),
    contributors: [],
    observers: [],
    people: peopleOf(accounts),
    settings: { defaultRoomVersion: config.rooms.default_version, unsendWindowMs: config.messages.unsend_window },
  };
  return { ...shared, accounts, rooms, ...(await composeReaders({ config, storage, accounts, rooms }, lifecycle)) };
}

interface ReaderParts {
  readonly config: HomeserverConfig;
  readonly storage: Storage;
  readonly accounts: Accounts;
  readonly rooms: ClientRooms;
}

/** What reads rooms: receipts and presence, push counts, sync. Their hooks run with each event. */
async function composeReaders({ config, storage, accounts, rooms }: ReaderParts, lifecycle: Lifecycle) {
  const { database, streamWriter } = storage;
  const { notifier, clock } = rooms;
  const userRooms = new UserRoomsCache(database, notifier);
  const roomsOf = async (userId: UserId) => userRooms.peek(userId) ?? (await userRooms.load(userId));
  const ephemeralDependencies: EphemeralDependencies = {
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
      const joined = [...(await roomsOf(userId))].filter(([, room]) => room.membership === 'join');
      return joined.map(([roomId]) => roomId);
    },
    findVisibleEvent: async (userId, roomId, eventId) => {
      const access = await findAccess(rooms, userId, roomId);
      const event = access === null ? undefined : await findEvent(rooms, access.room, eventId);
      if (access === null || event === undefined) return null;
      const [visible] = await visibleEvents(rooms, access, [event]);
      return visible ?? null;
    },
  };
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
  const sources = syncSources({
    accounts,
    ephemeral,
    people: rooms.people,
    rooms: rooms.rooms,
    userRooms,
    push,
  });
  const sync = {
    database,
    streamWriter,
    clock,
    notifier,
    rooms: rooms.rooms,
    userRooms,
    sources,
    changeLog: new ChangeLog(notifier, streamWriter.position),
    lazyMembers: new LazyMembers(),
    wake: new Wake({ notifier, rooms: rooms.rooms, streamWriter, userRooms }),
    visibleEvents: (
      room: Parameters<typeof visibleEvents>[1]['room'],
      userId: UserId,
      events: Parameters<typeof visibleEvents>[2],
    ) => visibleEvents(rooms, { room, userId }, events),
    decorate: (
      ...[room, events, device]: [
        Parameters<typeof decorateEvents>[1],
        Parameters<typeof decorateEvents>[2],
        Parameters<typeof decorateEvents>[3],
      ]
    ) => decorateEvents(database, room, events, device),
  };
  return { ephemeral, ephemeralDependencies, push, pushDependencies, sync };
}
