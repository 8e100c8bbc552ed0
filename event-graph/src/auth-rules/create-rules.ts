// Rule 1: m.room.create.
import { isUserId, serverOf } from '@carillon/protocol/identifiers.ts';
import type { JsonValue } from '@carillon/protocol/json.ts';
import type { RoomEvent } from '../room-event.ts';
import { findRoomVersion, type RoomVersion } from '../room-version.ts';
import { type AuthVerdict, accepted, rejected } from './verdict.ts';

/** Judges a create event, which depends on no state. */
export function checkCreate(roomVersion: RoomVersion, event: RoomEvent): AuthVerdict {
  const { content } = event;
  // 1.1
  if (event.prevEvents.length > 0) return rejected('1.1', 'A create event must be the first of its room');
  if (roomVersion.roomIdAsHash) {
    // 1.2
    if (event.json['room_id'] !== undefined)
      return rejected('1.2', 'A create event names no room id in this room version');
  } else if (serverOf(event.roomId) !== serverOf(event.sender)) {
    return rejected('v1:1.2', "The room id's server is not the creator's");
  }
  // 1.3
  const named = content['room_version'];
  if (named !== undefined && findRoomVersion(named) === undefined) return rejected('1.3', 'Unknown room version');
  if (!roomVersion.implicitCreator && content['creator'] === undefined) {
    return rejected('v1:1.4', 'A create event of this room version must name its creator');
  }
  // 1.4
  if (roomVersion.privilegedCreators && !areUserIds(content['additional_creators'])) {
    return rejected('1.4', 'additional_creators must be a list of user ids');
  }
  // 1.5
  return accepted;
}

function areUserIds(value: JsonValue | undefined): boolean {
  return value === undefined || (Array.isArray(value) && value.every(isUserId));
}
