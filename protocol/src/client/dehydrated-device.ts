// A device that waits on the server, encrypted, for the user's next login (MSC3814).
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { AnyObject } from './json-object.ts';

const path = '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device';

/** Encrypted device, device keys, one-time and fallback keys together. */
export const MAX_DEHYDRATED_DEVICE_BYTES = 1_048_576;

export const putDehydratedDevice = endpoint({
  method: 'PUT',
  path,
  auth: 'accessToken',
  body: Type.Object({
    device_id: Type.String(),
    device_data: AnyObject,
    initial_device_display_name: Type.Optional(Type.String()),
    device_keys: AnyObject,
    one_time_keys: Type.Optional(AnyObject),
    fallback_keys: Type.Optional(AnyObject),
  }),
  response: Type.Object({ device_id: Type.String() }),
  maxBodyBytes: MAX_DEHYDRATED_DEVICE_BYTES,
});

export const getDehydratedDevice = endpoint({
  method: 'GET',
  path,
  auth: 'accessToken',
  response: Type.Object({ device_id: Type.String(), device_data: AnyObject }),
});

export const deleteDehydratedDevice = endpoint({
  method: 'DELETE',
  path,
  auth: 'accessToken',
  response: Type.Object({ device_id: Type.String() }),
});

const Events = Type.Object({ events: Type.Array(AnyObject), next_batch: Type.Optional(Type.String()) });

export const getDehydratedDeviceEvents = endpoint({
  method: 'GET',
  path: '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device/{deviceId}/events',
  auth: 'accessToken',
  query: Type.Object({ from: Type.Optional(Type.String()), limit: Type.Optional(Type.Integer({ minimum: 1 })) }),
  response: Events,
});

/** As clients of the proposal's earlier text ask: they go on until no event comes, and want a token each time. */
export const readDehydratedDeviceEvents = endpoint({
  method: 'POST',
  path: '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device/{deviceId}/events',
  auth: 'accessToken',
  body: Type.Optional(Type.Object({ next_batch: Type.Optional(Type.String()) })),
  response: Events,
});
