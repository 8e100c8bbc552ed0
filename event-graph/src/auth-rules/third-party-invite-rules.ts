// Third-party invites: rule 7 (the offer) and rule 5.4.1 (an invite that takes it up).
import { decodeBase64 } from '@carillon/protocol/base64.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '@carillon/protocol/json.ts';
import { signaturesOf, signedBytes } from '@carillon/protocol/signed-json.ts';
import { ownMember } from '../own-member.ts';
import { levelTo, userPower } from '../power-levels.ts';
import { membershipOf, type RuleInput } from './rule-input.ts';
import { type AuthVerdict, accepted, rejected } from './verdict.ts';

/** Every pair of a signature and a key costs a verification: more pairs than this are not tried. */
const MAX_SIGNATURE_CHECKS = 64;
const PUBLIC_KEY_BYTES = 32;

/** Rule 7: m.room.third_party_invite. */
export function checkThirdPartyInvite(input: RuleInput): AuthVerdict {
  // 7.1
  if (userPower(input, input.event.sender) >= levelTo(input, 'invite')) return accepted;
  return rejected('7.1', 'The sender has not the power to invite');
}

/** Rule 5.4.1: an m.room.member invite of this user with third_party_invite in its content. */
export function checkInviteByThirdParty(input: RuleInput, target: string): AuthVerdict {
  const { event, state } = input;
  // 5.4.1.1
  if (membershipOf(input, target) === 'ban') return rejected('5.4.1.1', 'The invited user is banned');
  // 5.4.1.2
  const signed = ownMember(event.content['third_party_invite'], 'signed');
  if (!isJsonObject(signed)) return rejected('5.4.1.2', 'third_party_invite lacks signed');
  // 5.4.1.3
  const { mxid, token } = signed;
  if (mxid === undefined || typeof token !== 'string') return rejected('5.4.1.3', 'signed lacks mxid or token');
  // 5.4.1.4
  if (mxid !== target) return rejected('5.4.1.4', 'signed is for another user');
  // 5.4.1.5
  const offer = state('m.room.third_party_invite', token);
  if (offer === undefined) return rejected('5.4.1.5', 'No third-party invite has this token');
  // 5.4.1.6
  if (offer.sender !== event.sender) return rejected('5.4.1.6', 'The third-party invite is of another sender');
  // 5.4.1.7
  if (isSignedByAnyKey(input, signed, publicKeysOf(offer.content))) return accepted;
  // 5.4.1.8
  return rejected('5.4.1.8', 'No key of the third-party invite has signed');
}

function publicKeysOf(content: JsonObject): string[] {
  const listed = content['public_keys'];
  const candidates: (JsonValue | undefined)[] = [content['public_key']];
  if (Array.isArray(listed)) for (const one of listed) candidates.push(ownMember(one, 'public_key'));
  return candidates.filter((key) => typeof key === 'string');
}

function isSignedByAnyKey(input: RuleInput, signed: JsonObject, publicKeys: readonly string[]): boolean {
  const signatures = isJsonObject(signed['signatures']) ? Object.keys(signed['signatures']) : [];
  const message = signedBytes(signed, input.roomVersion.strictCanonicalJson ? 'strict' : 'exact');
  let checks = 0;
  for (const publicKey of publicKeys) {
    const bytes = decodeBase64(publicKey);
    if (bytes?.length !== PUBLIC_KEY_BYTES) continue;
    const key = input.verifyKeyOf(bytes);
    for (const server of signatures) {
      for (const signature of signaturesOf(signed, server)) {
        if (++checks > MAX_SIGNATURE_CHECKS) return false;
        if (key.verify(message, signature.bytes)) return true;
      }
    }
  }
  return false;
}
