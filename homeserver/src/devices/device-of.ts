// The device that a caller acts as.
import type { Caller } from '@carillon/platform/http/handle.ts';
import { missingParam } from '@carillon/protocol/matrix-error.ts';
import type { KeyOwner } from './check-device-keys.ts';

/** Throws M_MISSING_PARAM for an app service that acts without a device. */
export function deviceOf({ userId, deviceId }: Caller): KeyOwner {
  if (deviceId === null) throw missingParam('This needs a device');
  return { userId, deviceId };
}
