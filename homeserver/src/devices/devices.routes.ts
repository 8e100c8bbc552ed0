// A person's devices over HTTP (client-server API, module "Device Management").
import { type Handler, handle, StatusResponse } from '@carillon/platform/http/handle.ts';
import {
  deleteDevice,
  deleteDevices,
  getDevice,
  listDevices,
  updateDevice,
} from '@carillon/protocol/client/devices.ts';
import { notFound } from '@carillon/protocol/matrix-error.ts';
import type { Accounts } from '../accounts/accounts.ts';
import type { Device } from '../accounts/device.store.ts';

export const deviceRoutes = (accounts: Accounts): Handler[] => [
  handle(listDevices, async ({ auth }) => ({ devices: (await accounts.devices.list(auth.userId)).map(toJson) })),
  handle(getDevice, async ({ auth, path }) => {
    const device = await accounts.devices.find(auth.userId, path.deviceId);
    if (device === undefined) throw notFound('No such device');
    return toJson(device);
  }),
  handle(updateDevice, async ({ auth, path, body }) => {
    const name = body.display_name;
    if (auth.appservice !== null && (await accounts.devices.create(auth.userId, path.deviceId, name ?? null))) {
      return new StatusResponse(201, {});
    }
    if (name !== undefined) await accounts.devices.rename(auth.userId, path.deviceId, name);
    else if ((await accounts.devices.find(auth.userId, path.deviceId)) === undefined) throw notFound('No such device');
    return {};
  }),
  handle(deleteDevice, async ({ auth, path, body, request }) => {
    const operation = `DELETE /devices ${JSON.stringify([path.deviceId])}`;
    await accounts.confirmIdentity({ caller: auth, operation, auth: body?.auth, address: request.address });
    await accounts.devices.delete(auth.userId, [path.deviceId]);
    return {};
  }),
  handle(deleteDevices, async ({ auth, body, request }) => {
    const operation = `POST /delete_devices ${JSON.stringify(body.devices.toSorted())}`;
    await accounts.confirmIdentity({ caller: auth, operation, auth: body.auth, address: request.address });
    await accounts.devices.delete(auth.userId, body.devices);
    return {};
  }),
];

function toJson({ deviceId, displayName, lastSeenAddress, lastSeenTs }: Device) {
  return {
    device_id: deviceId,
    ...(displayName === null ? {} : { display_name: displayName }),
    ...(lastSeenAddress === null ? {} : { last_seen_ip: lastSeenAddress }),
    ...(lastSeenTs === null ? {} : { last_seen_ts: lastSeenTs }),
  };
}
