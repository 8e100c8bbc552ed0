// The use case of walking the rooms below a space (client-server API, "Querying spaces"): depth first, each room once, in the
// order that the space gives its children.
import type { HierarchyRoom } from '@carillon/protocol/client/space-hierarchy.ts';
import { isRoomId, isServerName, type RoomId, type UserId } from '@carillon/protocol/identifiers.ts';
import { forbidden, invalidParam } from '@carillon/protocol/matrix-error.ts';
import type { Static } from 'typebox';
import type { ClientRooms } from './client-rooms.ts';
import { visibleContent } from './read-state.ts';
import type { Room } from './room.ts';
import { NOT_IN_ROOM } from './room-cache.ts';
import { contentOf, mayKnowOf, summaryOf } from './room-summary.ts';
import type { StoredEvent } from './stored-event.ts';

const DEFAULT_PAGE_ROOMS = 50;
export const MAX_HIERARCHY_PAGE = 100;
export const MAX_HIERARCHY_DEPTH = 10;
/** Rooms of one hierarchy that are looked at. */
export const MAX_HIERARCHY_ROOMS = 2_000;
export const MAX_SPACE_CHILDREN = 1_000;

type Entry = Static<typeof HierarchyRoom>;

export interface HierarchyQuery {
  readonly roomId: RoomId;
  readonly userId: UserId;
  readonly suggested_only?: boolean | undefined;
  readonly limit?: number | undefined;
  readonly max_depth?: number | undefined;
  readonly from?: string | undefined;
}

/** A page. Throws M_FORBIDDEN, the same for no such room, and M_INVALID_PARAM for a token of another question. */
export async function readHierarchy(
  dependencies: ClientRooms,
  query: HierarchyQuery,
): Promise<{ rooms: Entry[]; next_batch?: string }> {
  const maxDepth = Math.min(query.max_depth ?? MAX_HIERARCHY_DEPTH, MAX_HIERARCHY_DEPTH);
  const suggestedOnly = query.suggested_only ?? false;
  const limit = Math.min(query.limit ?? DEFAULT_PAGE_ROOMS, MAX_HIERARCHY_PAGE);
  const mark = `${maxDepth}${suggestedOnly ? 's' : 'a'}`;
  const skip = parseFrom(query.from, mark);
  const rooms: Entry[] = [];
  let told = 0;
  for await (const room of walk(dependencies, query, { maxDepth, suggestedOnly })) {
    told++;
    if (told <= skip) continue;
    if (rooms.length === limit) return { rooms, next_batch: `h${mark}${told - 1}` };
    rooms.push({ ...summaryOf(room), children_state: childrenOf(room, suggestedOnly).map(stripped) });
  }
  return { rooms };
}

function parseFrom(from: string | undefined, mark: string): number {
  if (from === undefined) return 0;
  const match = /^h(\d{1,2}[sa])(\d{1,9})$/.exec(from);
  if (match === null) throw invalidParam('Unknown pagination token');
  if (match[1] !== mark) throw invalidParam('suggested_only and max_depth must stay as they were on the first page');
  return Number(match[2]);
}

/** The rooms that the user may know of, the space itself first. */
async function* walk(
  dependencies: ClientRooms,
  { roomId, userId }: HierarchyQuery,
  { maxDepth, suggestedOnly }: { maxDepth: number; suggestedOnly: boolean },
): AsyncGenerator<Room, void, undefined> {
  const pending: { roomId: RoomId; depth: number }[] = [{ roomId, depth: 0 }];
  const seen = new Set<RoomId>();
  for (let next = pending.pop(); next !== undefined && seen.size < MAX_HIERARCHY_ROOMS; next = pending.pop()) {
    if (seen.has(next.roomId)) continue;
    seen.add(next.roomId);
    const room = await dependencies.rooms.find(next.roomId);
    const isKnown = room !== null && (await mayKnowOf(dependencies, room, userId));
    if (next.depth === 0 && !isKnown) throw forbidden(NOT_IN_ROOM);
    if (!isKnown) continue;
    yield room;
    if (next.depth >= maxDepth) continue;
    const depth = next.depth + 1;
    const children = childrenOf(room, suggestedOnly).map((child) => ({ roomId: child.stateKey as RoomId, depth }));
    pending.push(...children.reverse());
  }
}

/** The children that a space names, in its order; none where the room is no space. */
function childrenOf(room: Room, suggestedOnly: boolean): StoredEvent[] {
  if (contentOf(room, 'm.room.create')['type'] !== 'm.space') return [];
  const children: StoredEvent[] = [];
  for (const { stateKey, value } of room.current.entriesOfType('m.space.child')) {
    const { via, suggested } = visibleContent(value);
    if (!isRoomId(stateKey) || !Array.isArray(via) || !via.some((server) => isServerName(server))) continue;
    if (!suggestedOnly || suggested === true) children.push(value);
  }
  return children.sort(compareChildren).slice(0, MAX_SPACE_CHILDREN);
}

/** By `order` where there is a valid one (those come first), then by age, then by id. */
function compareChildren(left: StoredEvent, right: StoredEvent): number {
  const [first, second] = [orderOf(left), orderOf(right)];
  if (first !== second) {
    if (first === null) return 1;
    return second !== null && first > second ? 1 : -1;
  }
  const age = left.originServerTs - right.originServerTs;
  return age === 0 ? ((left.stateKey ?? '') < (right.stateKey ?? '') ? -1 : 1) : age;
}

function orderOf(event: StoredEvent): string | null {
  const { order } = visibleContent(event);
  return typeof order === 'string' && /^[\x20-\x7e]{1,50}$/.test(order) ? order : null;
}

function stripped(event: StoredEvent): Entry['children_state'][number] {
  return {
    type: event.type,
    state_key: event.stateKey ?? '',
    sender: event.sender,
    content: visibleContent(event),
    origin_server_ts: event.originServerTs,
  };
}
