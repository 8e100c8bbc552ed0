// What a room says of itself to people outside (client-server API, "Published room directory", "Room Summaries").
import type { getRoomSummary, PublishedRoom } from '@carillon/protocol/client/room-directory.ts';
import type { ResponseOf } from '@carillon/protocol/endpoint.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '@carillon/protocol/json.ts';
import { notFound } from '@carillon/protocol/matrix-error.ts';
import type { Static } from 'typebox';
import type { ClientRooms } from './client-rooms.ts';
import { membershipOf } from './membership.ts';
import { visibleContent } from './read-state.ts';
import { resolveRoom } from './resolve-room.ts';
import type { Room } from './room.ts';
import { isWorldReadable } from './room-access.ts';

export type PublishedRoomEntry = Static<typeof PublishedRoom>;

const OPEN_RULES: ReadonlySet<unknown> = new Set(['public', 'knock', 'knock_restricted']);
const INSIDE: ReadonlySet<unknown> = new Set(['join', 'invite', 'knock']);

const asText = (value: JsonValue | undefined): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** A state event's content, without what a redaction took; empty where there is none. */
export function contentOf(room: Room, type: string): JsonObject {
  const event = room.current.get(type, '');
  return event === undefined ? {} : visibleContent(event);
}

/** The entry of the published directory. */
export function publishedEntry(room: Room): PublishedRoomEntry {
  const texts = {
    canonical_alias: asText(contentOf(room, 'm.room.canonical_alias')['alias']),
    name: asText(contentOf(room, 'm.room.name')['name']),
    topic: plainTopic(contentOf(room, 'm.room.topic')),
    avatar_url: asText(contentOf(room, 'm.room.avatar')['url']),
    join_rule: asText(contentOf(room, 'm.room.join_rules')['join_rule']),
    room_type: asText(contentOf(room, 'm.room.create')['type']),
  };
  return {
    ...(Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== undefined)) as Partial<
      Record<keyof typeof texts, string>
    >),
    room_id: room.roomId,
    num_joined_members: room.joinedCount,
    world_readable: isWorldReadable(room),
    guest_can_join: contentOf(room, 'm.room.guest_access')['guest_access'] === 'can_join',
  };
}

/** The topic without markup: the rich form's plain text where there is a rich form. */
function plainTopic(content: JsonObject): string | undefined {
  const rich = content['m.topic'];
  const texts = isJsonObject(rich) ? rich['m.text'] : undefined;
  if (!Array.isArray(texts)) return asText(content['topic']);
  const plain = texts.find((text) => isJsonObject(text) && (text['mimetype'] ?? 'text/plain') === 'text/plain');
  return isJsonObject(plain) ? asText(plain['body']) : undefined;
}

type Summary = ResponseOf<typeof getRoomSummary>;

/** The summary for a user, or for anyone. Throws M_NOT_FOUND, the same for a room that does not exist. */
export async function readSummary(
  dependencies: ClientRooms,
  userId: UserId | null,
  idOrAlias: string,
): Promise<Summary> {
  const room = await dependencies.rooms.find(await resolveRoom(dependencies, idOrAlias));
  if (room === null || !(await mayKnowOf(dependencies, room, userId))) throw notFound('There is no such room');
  const summary = summaryOf(room);
  const member = userId === null ? undefined : room.current.get('m.room.member', userId);
  if (member !== undefined) summary.membership = membershipOf(member);
  return summary;
}

/** What the summary says to everyone who may know of the room. */
export function summaryOf(room: Room): Summary {
  const summary: Summary = { ...publishedEntry(room), room_version: room.version.id };
  const algorithm = asText(contentOf(room, 'm.room.encryption')['algorithm']);
  if (algorithm !== undefined) summary.encryption = algorithm;
  const allowed = allowedRoomIds(room);
  if (allowed.length > 0) summary.allowed_room_ids = allowed;
  return summary;
}

/** Whether a user (null: anyone) may be told of a room: they are in it, could come in, could knock, or everyone may read it. */
export async function mayKnowOf({ rooms }: ClientRooms, room: Room, userId: UserId | null): Promise<boolean> {
  if (isWorldReadable(room)) return true;
  const membership = userId === null ? undefined : room.membershipOf(userId);
  if (membership === 'ban') return false;
  if (OPEN_RULES.has(contentOf(room, 'm.room.join_rules')['join_rule'])) return true;
  if (userId === null) return false;
  if (INSIDE.has(membership)) return true;
  for (const roomId of allowedRoomIds(room)) {
    if ((await rooms.find(roomId as Room['roomId']))?.membershipOf(userId) === 'join') return true;
  }
  return false;
}

/** The rooms whose members a restricted room lets in. */
function allowedRoomIds(room: Room): string[] {
  const { join_rule: rule, allow } = contentOf(room, 'm.room.join_rules');
  if ((rule !== 'restricted' && rule !== 'knock_restricted') || !Array.isArray(allow)) return [];
  return allow.flatMap((condition) => {
    if (!isJsonObject(condition) || condition['type'] !== 'm.room_membership') return [];
    return asText(condition['room_id']) ?? [];
  });
}
