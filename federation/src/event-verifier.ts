// Checks 1 to 3 of a received PDU (server-server API, "Checks performed on receipt of a PDU"): the one way by which events of
// others come in, whichever endpoint or answer brought them.
import type { Pdu } from '@carillon/event-graph/event-format.ts';
import { type FindKey, keysOf, type Received, readPdu, verifyPdu } from '@carillon/event-graph/receive-checks.ts';
import type { RoomVersion } from '@carillon/event-graph/room-version.ts';
import type { ServerName } from '@carillon/protocol/identifiers.ts';
import type { JsonValue } from '@carillon/protocol/json.ts';
import type { VerifyKey } from '@carillon/protocol/signed-json.ts';
import type { KeyRing } from './keys/key-ring.ts';

export interface EventVerifierDependencies {
  readonly keyRing: Pick<KeyRing, 'find'>;
  /** Our own key: events of ours come back in the states of rooms. */
  readonly own: { readonly serverName: ServerName; readonly keyId: string; readonly verifyKey: VerifyKey };
}

/** Judges an event's format, signatures and content hash; fetches the keys that it takes. */
export type VerifyEvent = (json: JsonValue | undefined, roomVersion: RoomVersion) => Promise<Received>;

export function createEventVerifier({ keyRing, own }: EventVerifierDependencies): VerifyEvent {
  const findKey = async (event: Pdu, serverName: ServerName, keyId: string): Promise<VerifyKey | null> => {
    if (serverName === own.serverName) return keyId === own.keyId ? own.verifyKey : null;
    const usedTs = event.roomVersion.enforceKeyValidity ? event.originServerTs : null;
    return keyRing.find({ serverName, keyId, usedTs, mustBeCurrent: false });
  };
  return async (json, roomVersion) => {
    const read = readPdu(json, roomVersion);
    if ('outcome' in read) return read;
    const keys = new Map<string, VerifyKey>();
    for (const { server, keyIds } of keysOf(read.event)) {
      for (const keyId of keyIds.slice(0, MAX_KEYS_PER_SERVER)) {
        const key = await findKey(read.event, server, keyId);
        if (key !== null) keys.set(`${server} ${keyId}`, key);
      }
    }
    const lookUp: FindKey = (server, keyId) => keys.get(`${server} ${keyId}`);
    return verifyPdu(read, lookUp);
  };
}

/** Signatures of one server that are looked at on one event. */
const MAX_KEYS_PER_SERVER = 4;
