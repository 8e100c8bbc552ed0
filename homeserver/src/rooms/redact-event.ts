// The use case of taking an event back: one's own, or anyone's for those who have the power (client-server API, "Redactions").
import { levelTo, userPower } from '@carillon/event-graph/power-levels.ts';
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { forbidden, notFound } from '@carillon/protocol/matrix-error.ts';
import { requireMember } from './change-membership.ts';
import { changeRoom } from './change-room.ts';
import type { ClientRooms } from './client-rooms.ts';
import { findEvent } from './find-event.ts';
import { requireActive } from './require-active.ts';
import type { Room } from './room.ts';
import { openRoom } from './room-access.ts';
import type { SentBy, StoredEvent } from './stored-event.ts';
import { viewEvents } from './visible-events.ts';

export interface RedactRequest {
  readonly roomId: RoomId;
  readonly sender: UserId;
  readonly targetId: EventId;
  /** Of the redaction; what names the target is put where the room version has it. */
  readonly content: JsonObject;
  /** An admin of this server is not held to the unsend window. */
  readonly isAdmin: boolean;
  readonly originServerTs?: number | undefined;
  readonly sentBy?: SentBy | undefined;
}

/** State on which a room's life hangs: without its content the room would stand open, or be of another version. */
const KEPT_TYPES: ReadonlySet<string> = new Set(['m.room.create', 'm.room.server_acl']);

/**
 * Redacts and resolves with the redaction's id when it is on disk. Throws M_NOT_FOUND for what the sender cannot see,
 * M_FORBIDDEN for others' events without the power, and for one's own after the unsend window.
 */
export function redactEvent(dependencies: ClientRooms, request: RedactRequest): Promise<EventId> {
  const { sentBy, roomId } = request;
  if (sentBy === undefined) return redactNow(dependencies, request);
  return dependencies.transactionIds.once({ roomId, ...sentBy }, () => redactNow(dependencies, request));
}

async function redactNow(dependencies: ClientRooms, request: RedactRequest): Promise<EventId> {
  const { roomId, sender, originServerTs, sentBy } = request;
  const access = await openRoom(dependencies, sender, roomId);
  requireMember(access.room, sender);
  const found = await findEvent(dependencies, access.room, request.targetId);
  const [visible] = found === undefined ? [] : await viewEvents(dependencies, access, [found]);
  if (visible === undefined) throw notFound('There is no such event in this room');
  const target = visible.event;
  if (target.sender !== sender) requireActive(dependencies, sender);
  if (KEPT_TYPES.has(target.type)) throw forbidden(`An event of type ${target.type} cannot be redacted`);
  const { redacts: _, ...content } = request.content;
  const redactionId = await changeRoom(dependencies, roomId, (room) => {
    requireMember(room, sender);
    checkMayRedact(dependencies, room, { ...request, target });
    return { type: 'm.room.redaction', sender, content, redacts: target, originServerTs, sentBy };
  });
  if (redactionId === null) throw new Error('a redaction is always said');
  return redactionId;
}

function checkMayRedact(
  { settings, clock }: ClientRooms,
  room: Room,
  { sender, target, isAdmin }: RedactRequest & { target: StoredEvent },
): void {
  const source = {
    roomVersion: room.version,
    create: room.state.get('m.room.create', ''),
    powerLevels: room.state.get('m.room.power_levels', ''),
  };
  if (userPower(source, sender) >= levelTo(source, 'redact')) return;
  if (target.sender !== sender) throw forbidden("You have not the power to redact others' events");
  const { unsendWindowMs } = settings;
  if (unsendWindowMs === null || isAdmin) return;
  if (clock.now() - target.originServerTs > unsendWindowMs) {
    throw forbidden('The time in which this message could be taken back is over');
  }
}
