// A person's devices (client-server API, module "Device Management").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { AuthData } from './user-interactive.ts';

export const Device = Type.Object({
  device_id: Type.String(),
  display_name: Type.Optional(Type.String()),
  last_seen_ip: Type.Optional(Type.String()),
  last_seen_ts: Type.Optional(Type.Integer()),
});

export const listDevices = endpoint({
  method: 'GET',
  path: '/_matrix/client/v3/devices',
  aliases: ['/_matrix/client/r0/devices'],
  auth: 'accessToken',
  response: Type.Object({ devices: Type.Array(Device) }),
});

export const getDevice = endpoint({
  method: 'GET',
  path: '/_matrix/client/v3/devices/{deviceId}',
  aliases: ['/_matrix/client/r0/devices/{deviceId}'],
  auth: 'accessToken',
  response: Device,
});

export const updateDevice = endpoint({
  method: 'PUT',
  path: '/_matrix/client/v3/devices/{deviceId}',
  aliases: ['/_matrix/client/r0/devices/{deviceId}'],
  auth: 'accessToken',
  body: Type.Object({ display_name: Type.Optional(Type.String()) }),
  response: Type.Object({}),
});

export const deleteDevice = endpoint({
  method: 'DELETE',
  path: '/_matrix/client/v3/devices/{deviceId}',
  aliases: ['/_matrix/client/r0/devices/{deviceId}'],
  auth: 'accessToken',
  isAudited: true,
  body: Type.Optional(Type.Object({ auth: Type.Optional(AuthData) })),
  response: Type.Object({}),
});

export const deleteDevices = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/delete_devices',
  aliases: ['/_matrix/client/r0/delete_devices'],
  auth: 'accessToken',
  isAudited: true,
  body: Type.Object({ devices: Type.Array(Type.String(), { maxItems: 1000 }), auth: Type.Optional(AuthData) }),
  response: Type.Object({}),
});
