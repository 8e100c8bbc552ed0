// Push rules and what is unread, built together. What the sync engine and rooms need of it is listed in Push.
import type { Clock } from '@carillon/platform/clock.ts';
import type { Database } from '@carillon/platform/database/database.ts';
import type { Handler } from '@carillon/platform/http/handle.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import type { RoomId, ServerName, UserId } from '@carillon/protocol/identifiers.ts';
import type { Receipts } from '../ephemeral/receipts.ts';
import type { EventContributor, EventObserver } from '../rooms/persist-event.ts';
import type { RoomCache } from '../rooms/room-cache.ts';
import type { Notifier } from '../streams/notifier.ts';
import type { StreamWriter } from '../streams/stream-writer.ts';
import { notificationsRoutes } from './notifications.routes.ts';
import { startPruning } from './prune-notifications.ts';
import { loadPushRuleBook, type PushRuleBook } from './push-rule-book.ts';
import { pushRulesRoutes } from './push-rules.routes.ts';
import { UnreadCounts } from './unread-counts.ts';

export interface PushDependencies {
  readonly database: Database;
  readonly streamWriter: StreamWriter;
  readonly notifier: Notifier;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly serverName: ServerName;
  readonly rooms: RoomCache;
  readonly receipts: Receipts;
  /** The rooms that a local user has joined. */
  readonly joinedRooms: (userId: UserId) => Promise<Iterable<RoomId>>;
  /** Whom a user ignores: their events do not count for him. */
  readonly ignoredBy: (userId: UserId) => ReadonlySet<string> | Promise<ReadonlySet<string>>;
}

export interface Push {
  readonly rules: PushRuleBook;
  readonly counts: UnreadCounts;
  /** For PersistDependencies. */
  readonly contributor: EventContributor;
  readonly observer: EventObserver;
  close(): void;
}

/** Reads everyone's rules and builds the feature; its sweep starts at once. */
export async function createPush(dependencies: PushDependencies): Promise<Push> {
  const rules = await loadPushRuleBook(dependencies);
  const counts = new UnreadCounts({ ...dependencies, rules });
  const pruning = startPruning({ ...dependencies, counts });
  return {
    rules,
    counts,
    contributor: counts.contributor,
    observer: counts.observer,
    close: () => pruning.cancel(),
  };
}

/** The endpoints of the feature. */
export function pushRoutes(dependencies: PushDependencies, push: Push): Handler[] {
  return [...pushRulesRoutes(push.rules), ...notificationsRoutes({ ...dependencies, ...push })];
}
