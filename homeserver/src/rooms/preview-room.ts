// The use cases of looking into a room without joining it (client-server API, "Room Previews"): what it is now, and what
// happens next. Members may ask, too.
import type { Caller } from '@carillon/platform/http/handle.ts';
import type { RoomId } from '@carillon/protocol/identifiers.ts';
import { invalidParam } from '@carillon/protocol/matrix-error.ts';
import { formatStreamToken, parseStreamToken } from '../streams/stream-token.ts';
import type { ClientRooms } from './client-rooms.ts';
import { compileEventFilter } from './event-filter.ts';
import { listEventsInOrderOfArrival } from './event-time.store.ts';
import { formatGraphToken } from './graph-token.ts';
import { isPublished } from './published-room.store.ts';
import { readState } from './read-state.ts';
import { encodeTimeline, isIgnored, startReading } from './reading.ts';
import type { RoomWaiters } from './room-waiters.ts';
import { LAST_PLACE, readPage } from './timeline-page.ts';
import { viewEvents } from './visible-events.ts';

const PREVIEW_EVENTS = 20;
const MAX_NEWS = 100;
/** A client may ask to wait longer; it is answered after this. */
export const MAX_PREVIEW_WAIT_MS = 120_000;
const EVERYTHING = compileEventFilter(undefined);

const tokenOf = (position: number) => formatStreamToken({ position, boot: null, volatilePosition: 0 });

/** The room as it is, as JSON text. Throws M_FORBIDDEN for who may not read it. */
export async function readInitialSync(dependencies: ClientRooms, caller: Caller, roomId: RoomId): Promise<string> {
  const reading = await startReading(dependencies, caller, roomId);
  const page = await readPage(dependencies, reading, {
    ...{ direction: 'b', from: LAST_PLACE, to: null, limit: PREVIEW_EVENTS, filter: EVERYTHING },
  });
  const [chunk, state, published] = await Promise.all([
    encodeTimeline(dependencies, reading, page.events.toReversed()),
    readState(dependencies, reading),
    isPublished(dependencies.database.points, roomId),
  ]);
  const membership = reading.room.membershipOf(caller.userId);
  const start = page.hasMore ? `"start":"${formatGraphToken(page.place)}",` : '';
  return (
    `{"room_id":${JSON.stringify(roomId)},${membership === undefined ? '' : `"membership":"${membership}",`}` +
    `"messages":{${start}"end":"${tokenOf(reading.until)}","chunk":[${chunk.join(',')}]},"state":${state},` +
    `"visibility":"${published ? 'public' : 'private'}","account_data":[]}`
  );
}

export interface NewsQuery {
  readonly roomId: RoomId;
  readonly from: string | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What came since a token, the oldest first, as JSON text; waits for it. Throws M_FORBIDDEN, M_INVALID_PARAM. */
export async function readNews(
  dependencies: ClientRooms,
  waiters: RoomWaiters,
  { caller, query }: { caller: Caller; query: NewsQuery },
): Promise<string> {
  const { roomId, signal } = query;
  const from = query.from === undefined ? null : parseStreamToken(query.from);
  if (query.from !== undefined && from === null) throw invalidParam('Unknown pagination token');
  const { clock } = dependencies;
  const deadline = clock.monotonic() + Math.min(query.timeoutMs, MAX_PREVIEW_WAIT_MS);
  let position = from?.position ?? null;
  for (;;) {
    const news = waiters.next(roomId, { timeoutMs: deadline - clock.monotonic(), signal });
    // Asked anew each time: the room may have been closed while the caller waited.
    const reading = await startReading(dependencies, caller, roomId).catch((error: unknown) => {
      news.cancel();
      throw error;
    });
    position = Math.min(position ?? reading.until, reading.until);
    const range = { after: position, until: reading.until, limit: MAX_NEWS };
    const events =
      position === reading.until ? [] : await listEventsInOrderOfArrival(dependencies.database, reading.room, range);
    const visible = (await viewEvents(dependencies, reading, events)).filter(({ event }) => !isIgnored(reading, event));
    const end = events.length === MAX_NEWS ? (events.at(-1)?.position ?? reading.until) : reading.until;
    if (visible.length > 0 || signal.aborted || clock.monotonic() >= deadline) {
      news.cancel();
      const chunk = await encodeTimeline(dependencies, reading, visible);
      return `{"start":"${tokenOf(position)}","end":"${tokenOf(end)}","chunk":[${chunk.join(',')}]}`;
    }
    position = end;
    await news.over;
  }
}
