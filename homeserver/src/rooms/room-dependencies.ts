// What the use cases of rooms are built on; made once in homeserver.ts.
import type { Clock } from '@carillon/platform/clock.ts';
import type { Database } from '@carillon/platform/database/database.ts';
import type { Ed25519SigningKey } from '@carillon/platform/ed25519.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import type { Random } from '@carillon/platform/random.ts';
import type { PersistDependencies } from './persist-event.ts';
import type { TransactionIds } from './transaction-ids.ts';

export interface RoomDependencies extends PersistDependencies {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly signingKey: Ed25519SigningKey;
  readonly transactionIds: TransactionIds;
}
