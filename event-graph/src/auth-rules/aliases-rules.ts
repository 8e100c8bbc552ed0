// Rule 4 of room versions 1 to 5: m.room.aliases needs no membership, only a matching server.
import { serverOf } from '@carillon/protocol/identifiers.ts';
import type { RoomEvent } from '../room-event.ts';
import { type AuthVerdict, accepted, rejected } from './verdict.ts';

/** Judges an aliases event in the versions that have the rule. */
export function checkAliases(event: RoomEvent): AuthVerdict {
  // v1:4.1
  if (event.stateKey === undefined) return rejected('v1:4.1', 'No state_key');
  // v1:4.2
  if (event.stateKey !== serverOf(event.sender)) return rejected('v1:4.2', "The state_key is not the sender's server");
  // v1:4.3
  return accepted;
}
