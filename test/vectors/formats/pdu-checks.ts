// pdu_checks: a received PDU and the servers' keys → accept, redact or reject, with what led to it.
import { receivePdu } from '@carillon/event-graph/receive-checks.ts';
import { findRoomVersion } from '@carillon/event-graph/room-version.ts';
import { verifyKeyFromBytes } from '@carillon/platform/ed25519.ts';
import { decodeBase64 } from '@carillon/protocol/base64.ts';
import { canonicalJson } from '@carillon/protocol/canonical-json.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { type Format, newTally } from '../format.ts';

interface PduRow {
  readonly id: string;
  readonly room_version: string;
  readonly event: JsonObject;
  readonly verify_keys: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly expected: {
    readonly outcome: 'accept' | 'redact' | 'reject';
    readonly event_id?: string;
    readonly redacted?: JsonObject;
  };
}

const OUTCOMES = { accepted: 'accept', redacted: 'redact', dropped: 'reject' } as const;

export const format: Format<PduRow> = {
  name: 'PDU checks',
  matches: (row) => 'verify_keys' in row && 'event' in row && 'room_version' in row,
  run({ id, room_version, event, verify_keys: keys, expected }) {
    const tally = newTally();
    const roomVersion = findRoomVersion(room_version);
    if (roomVersion === undefined) return tally.fail(`unknown room version ${room_version}`);
    const received = receivePdu(event, roomVersion, (server, keyId) => {
      const text = keys[server]?.[keyId];
      return text === undefined ? undefined : verifyKeyFromBytes(decodeBase64(text)!);
    });
    if (OUTCOMES[received.outcome] !== expected.outcome) {
      return tally.fail(
        `${id}: ${received.outcome} (${received.rule}: ${received.reason}), expected ${expected.outcome}`,
      );
    }
    if (received.outcome === 'dropped') return tally.pass();
    if (expected.event_id !== undefined && received.event.eventId !== expected.event_id) {
      return tally.fail(`${id}: event id ${received.event.eventId}, expected ${expected.event_id}`);
    }
    const { redacted } = expected;
    if (redacted === undefined || canonicalJson(received.event.json, 'exact') === canonicalJson(redacted, 'exact')) {
      return tally.pass();
    }
    return tally.fail(`${id}: redacted to ${canonicalJson(received.event.json, 'exact')}`);
  },
};
