// What one authorisation rule gets to see. It is made once an event, so that each rule reads the same state.
import type { VerifyKey } from '@carillon/protocol/signed-json.ts';
import type { StateReader } from '../auth-event-selection.ts';
import { ownMember } from '../own-member.ts';
import type { PowerSource } from '../power-levels.ts';
import type { RoomEvent } from '../room-event.ts';

/** An Ed25519 public key of 32 bytes as a key to verify with. Needed for third-party invites only. */
export type VerifyKeyReader = (publicKey: Uint8Array) => VerifyKey;

export interface RuleInput extends PowerSource {
  readonly event: RoomEvent;
  readonly state: StateReader;
  readonly create: RoomEvent;
  readonly verifyKeyOf: VerifyKeyReader;
}

/** A user's membership in the state; undefined without a member event, or with one that says nothing readable. */
export function membershipOf({ state }: Pick<RuleInput, 'state'>, userId: string): string | undefined {
  const membership = state('m.room.member', userId)?.content['membership'];
  return typeof membership === 'string' ? membership : undefined;
}

/** True when the event carries a signature of this server: that it is valid is checked when an event is received. */
export function isSignedBy(event: RoomEvent, server: string): boolean {
  const ofServer = ownMember(event.json['signatures'], server);
  return typeof ofServer === 'object' && ofServer !== null && Object.keys(ofServer).length > 0;
}
