// What everything stands on: the database, migrated and ours alone, and the one writer of its streams.
import { join } from 'node:path';
import type { Clock } from '@carillon/platform/clock.ts';
import type { Database } from '@carillon/platform/database/database.ts';
import { migrate } from '@carillon/platform/database/migrate.ts';
import { openDatabase } from '@carillon/platform/database/postgres-database.ts';
import { takeSingleProcessLock } from '@carillon/platform/database/single-process-lock.ts';
import type { Lifecycle } from '@carillon/platform/lifecycle.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import { StartFault } from '@carillon/platform/supervisor/start-fault.ts';
import { findServerProperty, insertServerProperty } from './streams/server-property.store.ts';
import { findWrittenPosition } from './streams/stream-position.store.ts';
import { StreamWriter } from './streams/stream-writer.ts';

export interface StorageOptions {
  /** A `postgres://` URL. */
  readonly connection: string;
  readonly serverName: string;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly lifecycle: Lifecycle;
  /** The database belongs to another process now: serving on would do harm. */
  readonly onLost: (reason: Error) => void;
}

export interface Storage {
  readonly database: Database;
  readonly streamWriter: StreamWriter;
}

const SERVER_NAME = 'server_name';

/** Opens it; rejects with a StartFault where the data are another server's or another process has them. */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const { connection, logger, lifecycle, clock, onLost } = options;
  lifecycle.use('database lock', lockOf(await takeSingleProcessLock({ connection, logger, onLost })));
  await migrate({ connection, logger, directories: [join(import.meta.dirname, '..', 'migrations')] });
  const database = lifecycle.use('database', await openDatabase({ connection, logger }));
  await claimServerName(database, options.serverName);
  const streamWriter = new StreamWriter(
    {
      writer: database.openBatchWriter(),
      loadWrittenPosition: () => database.transaction((transaction) => findWrittenPosition(transaction)),
      logger,
      sleep: (delayMs) => clock.sleep(delayMs),
    },
    await database.transaction((transaction) => findWrittenPosition(transaction)),
  );
  lifecycle.add('stream writer', () => streamWriter.drain());
  return { database, streamWriter };
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
