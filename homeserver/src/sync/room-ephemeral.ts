// Receipts and typing of a room in a sync, as a JSON array of events.
import type { JoinedRoomScope } from './sync-request.ts';
import type { SyncSources } from './sync-sources.ts';

/** The events' text, or null when there is nothing new. */
export async function encodeEphemeral(sources: SyncSources, scope: JoinedRoomScope): Promise<string | null> {
  const { room, sync } = scope;
  const { filter } = sync.request;
  if (!filter.ephemeral.passesRoom(room.roomId)) return null;
  const events: string[] = [];
  if (filter.ephemeral.passes({ type: 'm.receipt', content: {} })) {
    const found = sources.receiptEventsSince(sync.request.userId, room.roomId, scope.since ?? 0);
    events.push(...(found instanceof Promise ? await found : found));
  }
  if (filter.ephemeral.passes({ type: 'm.typing', content: {} })) {
    const typing = encodeTyping(sources, scope);
    if (typing !== null) events.push(typing);
  }
  return events.length === 0 ? null : `[${events.join(',')}]`;
}

function encodeTyping(sources: SyncSources, { room, sync, since }: JoinedRoomScope): string | null {
  const { userIds, changedAt } = sources.typing(room.roomId);
  const token = sync.request.since;
  const seen = since !== null && token !== null && token.boot === sources.boot ? token.volatilePosition : 0;
  if (changedAt <= seen) return null;
  const told = userIds.filter((userId) => !sync.ignored.has(userId));
  if (seen === 0 && told.length === 0) return null;
  return `{"type":"m.typing","content":{"user_ids":${JSON.stringify(told)}}}`;
}
