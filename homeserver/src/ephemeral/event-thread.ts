// Which thread an event is in (client-server API, "Threaded read receipts"): its relations are followed for three hops.
import { type EventId, isEventId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { readRelation } from '../rooms/relation.store.ts';

/** What is read of an event here. */
export interface RelatingEvent {
  readonly stateKey: string | undefined;
  readonly content: JsonObject;
}

const MAX_HOPS = 3;

type Step = { readonly root: EventId } | { readonly parent: EventId } | null;

/** The thread's root, the parent to look at next, or null for the main timeline. */
function stepOf(event: RelatingEvent): Step {
  if (event.stateKey !== undefined) return null;
  const relation = readRelation(event.content);
  if (relation === null || !isEventId(relation.parentId)) return null;
  return relation.relType === 'm.thread' ? { root: relation.parentId } : { parent: relation.parentId };
}

/** The root of the event's thread, or null for the main timeline. `find` gives events that are at hand; others end the walk. */
export function threadOf(event: RelatingEvent, find: (eventId: EventId) => RelatingEvent | undefined): EventId | null {
  let next: RelatingEvent | undefined = event;
  for (let hop = 0; hop <= MAX_HOPS && next !== undefined; hop++) {
    const step = stepOf(next);
    if (step === null) return null;
    if ('root' in step) return step.root;
    next = find(step.parent);
  }
  return null;
}

/** The same with events that may have to be loaded. */
export async function loadThreadOf(
  event: RelatingEvent,
  load: (eventId: EventId) => Promise<RelatingEvent | null>,
): Promise<EventId | null> {
  let next: RelatingEvent | null = event;
  for (let hop = 0; hop <= MAX_HOPS && next !== null; hop++) {
    const step = stepOf(next);
    if (step === null) return null;
    if ('root' in step) return step.root;
    next = await load(step.parent);
  }
  return null;
}
