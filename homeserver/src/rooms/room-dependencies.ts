// What the use cases of rooms are built on; made once in homeserver.ts.
import type { FederationClient } from '@carillon/federation/client.ts';
import type { VerifyEvent } from '@carillon/federation/event-verifier.ts';
import type { Clock } from '@carillon/platform/clock.ts';
import type { Database } from '@carillon/platform/database/database.ts';
import type { Ed25519SigningKey } from '@carillon/platform/ed25519.ts';
import type { KeyedQueue } from '@carillon/platform/keyed-queue.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import type { Random } from '@carillon/platform/random.ts';
import type { RoomId } from '@carillon/protocol/identifiers.ts';
import type { PersistDependencies } from './persist-event.ts';
import type { TransactionIds } from './transaction-ids.ts';

/** The other servers, as rooms ask them and hear from them. */
export interface RemoteServers {
  readonly client: Pick<FederationClient, 'call'>;
  readonly verifyEvent: VerifyEvent;
  /** What comes in for a room is taken in one after the other. */
  readonly intake: KeyedQueue<RoomId>;
}

export interface RoomDependencies extends PersistDependencies {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly signingKey: Ed25519SigningKey;
  readonly transactionIds: TransactionIds;
  /** Absent where a server stands alone. */
  readonly remote?: RemoteServers;
}
