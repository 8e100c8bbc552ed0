// What a message may relate to: one annotation of a kind a person, and no thread inside a thread (client-server API,
// "Avoiding duplicate annotations", "Validation of m.thread relationships").
import type { EventId, UserId } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject } from '@carillon/protocol/json.ts';
import { MatrixError, unknownError } from '@carillon/protocol/matrix-error.ts';
import { findEvent } from './find-event.ts';
import { listAnnotationsBy } from './related-event.store.ts';
import { readRelation } from './relation.store.ts';
import type { Room } from './room.ts';
import type { RoomDependencies } from './room-dependencies.ts';

export interface RelatingMessage {
  readonly sender: UserId;
  readonly type: string;
  readonly content: JsonObject;
}

const CHECKED: ReadonlySet<string> = new Set(['m.annotation', 'm.thread']);

/** True for messages that checkRelation has to look at. */
export function needsRelationCheck(content: JsonObject): boolean {
  const relation = content['m.relates_to'] === undefined ? null : readRelation(content);
  return relation !== null && CHECKED.has(relation.relType);
}

/** Throws M_DUPLICATE_ANNOTATION for a second one like the first, and M_UNKNOWN for a thread off an event that relates itself. */
export async function checkRelation(
  dependencies: Pick<RoomDependencies, 'database'>,
  room: Room,
  message: RelatingMessage,
): Promise<void> {
  const relation = readRelation(message.content);
  if (relation?.relType === 'm.annotation') await checkAnnotation(dependencies, room, { ...message, ...relation });
  if (relation?.relType !== 'm.thread') return;
  const root = await findEvent(dependencies, room, relation.parentId as EventId);
  if (root !== undefined && readRelation(root.content) !== null) {
    throw unknownError('A thread cannot start from an event that relates to another one');
  }
}

async function checkAnnotation(
  { database }: Pick<RoomDependencies, 'database'>,
  room: Room,
  annotation: RelatingMessage & { parentId: string },
): Promise<void> {
  const key = keyOf(annotation.content);
  const { parentId, sender, type } = annotation;
  for (const earlier of await listAnnotationsBy(database, room, { parentId, sender, type })) {
    if (keyOf(earlier.content) !== key) continue;
    throw new MatrixError(400, 'M_DUPLICATE_ANNOTATION', 'You have annotated this event with the same key already');
  }
}

function keyOf(content: JsonObject): unknown {
  const relates = content['m.relates_to'];
  return isJsonObject(relates) ? relates['key'] : undefined;
}
