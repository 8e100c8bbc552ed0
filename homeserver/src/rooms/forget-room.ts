// The use case of forgetting a room that was left: it is gone from the user's view until they come back.
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { forbidden, unknownError } from '@carillon/protocol/matrix-error.ts';
import { forgottenTable } from './membership.store.ts';
import { findMembership } from './room-access.store.ts';
import { NOT_IN_ROOM } from './room-cache.ts';
import type { RoomDependencies } from './room-dependencies.ts';

const FORGETTABLE: ReadonlySet<string> = new Set(['leave', 'ban']);

/** Forgets. Throws M_UNKNOWN while the user is in the room or asked into it, M_FORBIDDEN where they never were. */
export async function forgetRoom(
  { database, streamWriter, notifier }: Pick<RoomDependencies, 'database' | 'streamWriter' | 'notifier'>,
  { userId, roomId }: { userId: UserId; roomId: RoomId },
): Promise<void> {
  const membership = await findMembership(database.points, userId, roomId);
  if (membership === null) throw forbidden(NOT_IN_ROOM);
  if (!FORGETTABLE.has(membership.membership)) throw unknownError('Leave the room before you forget it');
  if (membership.forgotten) return;
  await streamWriter.write({
    lane: roomId,
    positions: 0,
    rows: (collector) => collector.add(forgottenTable, { userId, roomId }),
    committed: () => notifier.emit({ kind: 'forgotten', roomId, userId }),
  });
}
