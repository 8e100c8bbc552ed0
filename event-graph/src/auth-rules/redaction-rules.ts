// m.room.redaction: a rule of room versions 1 and 2 only (rule 11 there), and what a server asks before it applies a redaction
// in the others ("Handling redactions", room version 3).
import { serverOf } from '@carillon/protocol/identifiers.ts';
import { levelTo, type PowerSource, userPower } from '../power-levels.ts';
import type { RoomEvent } from '../room-event.ts';
import type { RuleInput } from './rule-input.ts';
import { type AuthVerdict, accepted, rejected } from './verdict.ts';

/** The rule of room versions 1 and 2. */
export function checkRedaction(input: RuleInput): AuthVerdict {
  const { event } = input;
  // v1:11.1
  if (userPower(input, event.sender) >= levelTo(input, 'redact')) return accepted;
  // v1:11.2
  const redacts = event.json['redacts'];
  const redactedServer = typeof redacts === 'string' ? afterColon(redacts) : undefined;
  if (redactedServer !== undefined && redactedServer === afterColon(event.eventId)) return accepted;
  // v1:11.3
  return rejected('v1:11.3', "The sender has not the power to redact another server's event");
}

function afterColon(eventId: string): string | undefined {
  const colon = eventId.indexOf(':');
  return colon < 0 ? undefined : eventId.slice(colon + 1);
}

/** True when an accepted redaction takes effect on its target, by the power levels of the state before the redaction. */
export function mayApplyRedaction(source: PowerSource, redaction: RoomEvent, target: RoomEvent): boolean {
  if (target.roomId !== redaction.roomId) return false;
  if (serverOf(target.sender) === serverOf(redaction.sender)) return true;
  return userPower(source, redaction.sender) >= levelTo(source, 'redact');
}
