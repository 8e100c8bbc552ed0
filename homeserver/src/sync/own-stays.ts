// How a user came and went in a room between two positions: what they may be told of that time follows from it.
import type { Reader } from '@carillon/platform/database/database.ts';
import { listEventsByPosition } from '../rooms/event.store.ts';
import { membershipOf } from '../rooms/membership.ts';
import type { Room } from '../rooms/room.ts';
import { listOwnChanges } from './own-stays.store.ts';

export interface OwnStays {
  /** Joined as of the beginning. */
  readonly wasJoined: boolean;
  /** Joined all the time. */
  readonly isUnbroken: boolean;
  /** The position of the event that ended the last stay; null where none ended. */
  readonly lastEnd: number | null;
}

/** Changes looked at; who changed more often counts as a newcomer. */
const MAX_CHANGES = 1_000;

/** What happened in (after, until]; asked only where the membership has changed since `after`. */
export async function findOwnStays(
  database: Reader,
  room: Room,
  { userId, after, until }: { userId: string; after: number; until: number },
): Promise<OwnStays> {
  const scope = { roomId: room.roomId, userId };
  const changes = await listOwnChanges(database, scope, { after, until, limit: MAX_CHANGES });
  const oldest = changes.at(-1);
  const isComplete = changes.length < MAX_CHANGES;
  const positions = [oldest?.previousPosition ?? null, ...changes.map((change) => change.eventPosition).reverse()];
  const known = positions.filter((position) => position !== null);
  const events = await listEventsByPosition(database, room, known);
  const joins = new Set(events.filter((event) => membershipOf(event) === 'join').map((event) => event.position));
  const isJoin = positions.map((position) => position !== null && joins.has(position));
  let lastEnd: number | null = null;
  changes.reverse().forEach((change, index) => {
    if (isJoin[index] === true && isJoin[index + 1] === false) lastEnd = change.position;
  });
  const wasJoined = isComplete && isJoin[0] === true;
  return { wasJoined, isUnbroken: wasJoined && !isJoin.includes(false), lastEnd };
}
