// Device keys over HTTP (client-server API, module "End-to-End Encryption").
import { type Handler, handle } from '@carillon/platform/http/handle.ts';
import * as crossSigning from '@carillon/protocol/client/cross-signing.ts';
import * as contracts from '@carillon/protocol/client/keys.ts';
import { parseUserId, serverOf, type UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject, JsonValue } from '@carillon/protocol/json.ts';
import { invalidParam, tooLarge } from '@carillon/protocol/matrix-error.ts';
import { parseStreamToken } from '../streams/stream-token.ts';
import { claimKeys } from './claim-keys.ts';
import { deviceOf } from './device-of.ts';
import type { EndToEnd } from './end-to-end.ts';
import type { WantedKey } from './one-time-key.store.ts';
import { queryKeys } from './query-keys.ts';
import { uploadCrossSigningKeys } from './upload-cross-signing.ts';
import { uploadKeys } from './upload-keys.ts';
import { uploadSignatures } from './upload-signatures.ts';

/** Users, and devices, that one request may ask about. */
export const MAX_QUERIED_USERS = 10_000;
export const MAX_CLAIMED_DEVICES = 10_000;
/** Told even when nothing is left, as in sync. */
const EXPECTED_ALGORITHM = 'signed_curve25519';

/** Whose devices changed in a range of positions, and who is no longer met, as one user sees it. */
export type FindDeviceLists = (
  userId: UserId,
  range: { readonly after: number; readonly until: number },
) => Promise<{ readonly changed: readonly UserId[]; readonly left: readonly UserId[] }>;

export interface KeyRouteParts {
  readonly endToEnd: EndToEnd;
  readonly findDeviceLists: FindDeviceLists;
}

export function keyRoutes({ endToEnd, findDeviceLists }: KeyRouteParts): Handler[] {
  const { parts } = endToEnd;
  return [
    handle(contracts.uploadKeys, async ({ auth, body }) => {
      const counts = await uploadKeys(parts, deviceOf(auth), {
        deviceKeys: body.device_keys,
        oneTimeKeys: body.one_time_keys,
        fallbackKeys: body.fallback_keys,
      });
      return { one_time_key_counts: { [EXPECTED_ALGORITHM]: 0, ...Object.fromEntries(counts) } };
    }),
    handle(contracts.queryKeys, async ({ auth, body }) => {
      const wanted = parseUsers(Object.entries(body.device_keys), MAX_QUERIED_USERS);
      const { local, failures } = split(parts.isLocalUser, wanted);
      const found = await queryKeys(parts, auth.userId, new Map(local));
      return {
        failures,
        device_keys: found.deviceKeys,
        master_keys: found.masterKeys,
        self_signing_keys: found.selfSigningKeys,
        user_signing_keys: found.userSigningKeys,
      };
    }),
    handle(contracts.claimKeys, async ({ auth, body }) => {
      const { local, failures } = split(parts.isLocalUser, parseUsers(Object.entries(body.one_time_keys)));
      const wanted = local.flatMap(([userId, devices]) => toWanted(userId, devices));
      if (wanted.length > MAX_CLAIMED_DEVICES) throw tooLarge(`At most ${MAX_CLAIMED_DEVICES} devices at a time`);
      return { failures, one_time_keys: encodeClaimed(await claimKeys(parts, auth.userId, wanted)) };
    }),
    handle(contracts.getKeyChanges, async ({ auth, query: { from, to } }) => {
      const after = parseStreamToken(from)?.position;
      const until = parseStreamToken(to)?.position;
      if (after === undefined || until === undefined) throw invalidParam('from and to must be tokens of syncs');
      const { changed, left } = await findDeviceLists(auth.userId, { after, until });
      return { changed: [...changed], left: [...left] };
    }),
    ...crossSigningRoutes(endToEnd),
  ];
}

function crossSigningRoutes({ parts }: EndToEnd): Handler[] {
  return [
    handle(crossSigning.uploadCrossSigningKeys, async ({ auth, body, request }) => {
      await uploadCrossSigningKeys(parts, {
        userId: auth.userId,
        deviceId: auth.deviceId ?? '',
        upload: {
          master: body.master_key,
          selfSigning: body.self_signing_key,
          userSigning: body.user_signing_key,
        },
        confirm: (operation) =>
          parts.accounts.confirmIdentity({ caller: auth, operation, auth: body.auth, address: request.address }),
      });
      return {};
    }),
    handle(crossSigning.uploadSignatures, async ({ auth, body }) => {
      const objects = Object.fromEntries(parseUsers(Object.entries(body)));
      return {
        failures: await uploadSignatures(parts, { userId: auth.userId, deviceId: auth.deviceId ?? '' }, objects),
      };
    }),
  ];
}

/** The members with their names as user ids; M_INVALID_PARAM where one is none. */
function parseUsers<Value>(entries: readonly [string, Value][], max = Number.POSITIVE_INFINITY): [UserId, Value][] {
  if (entries.length > max) throw tooLarge(`At most ${max} users at a time`);
  return entries.map(([userId, value]) => [parseUserId(userId), value]);
}

/** Users of this server, and as failures the other servers: none of them is asked. */
function split<Value>(isLocal: (userId: UserId) => boolean, wanted: readonly [UserId, Value][]) {
  const failures: Record<string, JsonObject> = {};
  const local = wanted.filter(([userId]) => {
    if (isLocal(userId)) return true;
    failures[serverOf(userId)] = {};
    return false;
  });
  return { local, failures };
}

function toWanted(userId: UserId, devices: Readonly<Record<string, string>>): WantedKey[] {
  return Object.entries(devices).map(([deviceId, algorithm]) => ({ userId, deviceId, algorithm }));
}

function encodeClaimed(claimed: Awaited<ReturnType<typeof claimKeys>>): Record<string, JsonObject> {
  const users = new Map<string, Map<string, JsonObject>>();
  for (const { userId, deviceId, algorithm, keyId, json } of claimed) {
    const devices = users.get(userId) ?? new Map<string, JsonObject>();
    users.set(userId, devices.set(deviceId, { [`${algorithm}:${keyId}`]: JSON.parse(json) as JsonValue }));
  }
  return Object.fromEntries([...users].map(([userId, devices]) => [userId, Object.fromEntries(devices)]));
}
