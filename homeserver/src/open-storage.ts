// What everything stands on: the database, migrated and ours alone, and the one writer of its streams.
import { join } from 'node:path';
import type { Clock } from '@carillon/platform/clock.ts';
import type { Database } from '@carillon/platform/database/database.ts';
import { measureDatabase } from '@carillon/platform/database/measured-database.ts';
import { migrate } from '@carillon/platform/database/migrate.ts';
import { openDatabase } from '@carillon/platform/database/postgres-database.ts';
import { takeSingleProcessLock } from '@carillon/platform/database/single-process-lock.ts';
import { DiskWatch, embeddedDataFolder } from '@carillon/platform/disk-watch.ts';
import type { Lifecycle } from '@carillon/platform/lifecycle.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import type { Metrics } from '@carillon/platform/observe/metrics.ts';
import { StartFault } from '@carillon/platform/supervisor/start-fault.ts';
import { Readiness } from './readiness.ts';
import { findServerProperty, insertServerProperty } from './streams/server-property.store.ts';
import { findWrittenPosition } from './streams/stream-position.store.ts';
import { StreamWriter } from './streams/stream-writer.ts';
import { WriterWatch } from './streams/writer-watch.ts';

const HOME = join(import.meta.dirname, '..', '..');
/** In the order in which they run. */
const MIGRATIONS = ['federation', 'homeserver'].map((name) => join(HOME, name, 'migrations'));

export interface StorageOptions {
  /** A `postgres://` URL. */
  readonly connection: string;
  readonly serverName: string;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly lifecycle: Lifecycle;
  /** `server.data_dir`: where the embedded Postgres has its data, if it is ours. */
  readonly dataFolder: string;
  readonly metrics: Metrics | null;
  /** The database belongs to another process now: serving on would do harm. */
  readonly onLost: (reason: Error) => void;
}

export interface Storage {
  readonly database: Database;
  readonly streamWriter: StreamWriter;
  readonly readiness: Readiness;
  /** Null where the data are on a disk that this process cannot see. */
  readonly disk: DiskWatch | null;
  readonly metrics: Metrics | null;
}

const SERVER_NAME = 'server_name';

/** Opens it; rejects with a StartFault where the data are another server's or another process has them. */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const { connection, logger, lifecycle, clock, onLost, metrics } = options;
  lifecycle.use('database lock', lockOf(await takeSingleProcessLock({ connection, logger, onLost })));
  await migrate({ connection, logger, directories: MIGRATIONS });
  const opened = lifecycle.use('database', await openDatabase({ connection, logger }));
  const database = metrics === null ? opened : measureDatabase(opened, metrics);
  await claimServerName(database, options.serverName);
  const disk = watchDisk(options);
  const writerWatch = new WriterWatch(clock, metrics);
  const streamWriter = new StreamWriter(
    {
      writer: database.openBatchWriter(),
      loadWrittenPosition: () => database.transaction((transaction) => findWrittenPosition(transaction)),
      logger,
      clock,
      refusal: () => (disk?.isFull === true ? 'the disk is full' : null),
      observer: writerWatch,
    },
    await database.transaction((transaction) => findWrittenPosition(transaction)),
  );
  lifecycle.add('stream writer', () => streamWriter.drain());
  const readiness = new Readiness({ clock, database, disk, writerWatch, streamWriter });
  return { database, streamWriter, readiness, disk, metrics };
}

function watchDisk({ dataFolder, connection, clock, logger, lifecycle }: StorageOptions): DiskWatch | null {
  const folder = embeddedDataFolder(dataFolder, connection);
  return folder === null ? null : lifecycle.use('disk watch', new DiskWatch({ folder, clock, logger }));
}

function lockOf(lock: { release(): Promise<void> }) {
  return { close: () => lock.release() };
}

/** Accounts and rooms carry the server's name: data made under one name are of no use under another. */
async function claimServerName(database: Database, serverName: string): Promise<void> {
  await database.transaction((transaction) => insertServerProperty(transaction, SERVER_NAME, serverName));
  const claimed = await findServerProperty(database, SERVER_NAME);
  if (claimed !== serverName) {
    throw new StartFault(
      `These data belong to the server ${claimed}, and server.name says ${serverName}. A server's name cannot be changed: set it back, or use another data folder or database.`,
    );
  }
}
