// A redaction in a room's memory: the content goes from every copy that readers may still be shown.
import { replacedBy } from './client-event.ts';
import type { Room } from './room.ts';
import type { StoredEvent } from './stored-event.ts';

/** Marks the target as redacted wherever the room holds it, and takes its content out of what was told of it elsewhere. */
export function redactInMemory(room: Room, target: StoredEvent, redaction: StoredEvent): void {
  room.redactions++;
  target.markRedacted(redaction);
  const recent = room.timeline.find(target.eventId);
  if (recent !== undefined && recent.redactedBy === null) recent.markRedacted(redaction);
  const isTold = target.stateKey !== undefined || target.type === 'm.room.redaction';
  if (!isTold) return;
  for (const event of heldEvents(room)) {
    if (event.eventId === target.eventId && event.redactedBy === null) event.markRedacted(redaction);
    if (event.replaced?.eventId === target.eventId) {
      event.replaced = replacedBy(target);
      event.encodedUnsigned = null;
    }
    if (event.redactedBy === target.eventId) {
      event.redactedBecause = target;
      event.encodedUnsigned = null;
    }
  }
}

/** The same for a state event that was built before the one it replaces was redacted, and is committed after it. */
export function refreshReplaced(room: Room, event: StoredEvent): void {
  if (!event.replaced || event.stateKey === undefined) return;
  const before = room.current.get(event.type, event.stateKey);
  if (before === undefined || before.redactedBy === null || before.eventId !== event.replaced.eventId) return;
  event.replaced = replacedBy(before);
}

/** Everything in memory; the same event may come more than once. */
function* heldEvents(room: Room): Generator<StoredEvent, void, undefined> {
  yield* room.timeline.all();
  for (const { value } of room.current.entries()) yield value;
  yield* room.forkEvents?.values() ?? [];
  for (const node of room.nodes.values()) {
    if (node.kind !== 'leaf') continue;
    for (const { value } of node.entries) yield value;
  }
}
