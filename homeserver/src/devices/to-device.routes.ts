// Messages between devices, and dehydrated devices, over HTTP.
import { EncodedJson, type Handler, handle } from '@carillon/platform/http/handle.ts';
import * as dehydrated from '@carillon/protocol/client/dehydrated-device.ts';
import * as toDevice from '@carillon/protocol/client/to-device.ts';
import { parseUserId } from '@carillon/protocol/identifiers.ts';
import {
  deleteDehydratedDevice,
  loadDehydratedDevice,
  putDehydratedDevice,
  readDehydratedEvents,
} from './dehydrated-devices.ts';
import type { EndToEnd } from './end-to-end.ts';
import { sendToDevice } from './send-to-device.ts';

export function toDeviceRoutes({ parts }: EndToEnd): Handler[] {
  return [
    handle(toDevice.sendToDevice, async ({ auth, path, body }) => {
      await sendToDevice(parts, {
        sender: auth.userId,
        deviceId: auth.deviceId,
        type: path.eventType,
        transactionId: path.txnId,
        messages: new Map(Object.entries(body.messages).map(([userId, contents]) => [parseUserId(userId), contents])),
      });
      return {};
    }),
    ...dehydratedRoutes(parts),
  ];
}

function dehydratedRoutes(parts: EndToEnd['parts']): Handler[] {
  return [
    handle(dehydrated.putDehydratedDevice, async ({ auth, body }) => {
      await putDehydratedDevice(parts, {
        userId: auth.userId,
        deviceId: body.device_id,
        displayName: body.initial_device_display_name ?? null,
        deviceData: body.device_data,
        keys: { deviceKeys: body.device_keys, oneTimeKeys: body.one_time_keys, fallbackKeys: body.fallback_keys },
      });
      return { device_id: body.device_id };
    }),
    handle(dehydrated.getDehydratedDevice, async ({ auth }) => {
      const { deviceId, deviceData } = await loadDehydratedDevice(parts, auth.userId);
      return { device_id: deviceId, device_data: JSON.parse(deviceData) };
    }),
    handle(dehydrated.deleteDehydratedDevice, async ({ auth }) => ({
      device_id: await deleteDehydratedDevice(parts, auth.userId),
    })),
    handle(dehydrated.getDehydratedDeviceEvents, async ({ auth, path, query }) => {
      const request = { deviceId: path.deviceId, from: query.from, limit: query.limit };
      const { messages, next } = await readDehydratedEvents(parts, auth.userId, request);
      return encodeEvents(messages, next);
    }),
    handle(dehydrated.readDehydratedDeviceEvents, async ({ auth, path, body }) => {
      const request = { deviceId: path.deviceId, from: body?.next_batch, limit: undefined };
      const { messages, end } = await readDehydratedEvents(parts, auth.userId, request);
      return encodeEvents(messages, end);
    }),
  ];
}

function encodeEvents(messages: readonly string[], next: string | null): EncodedJson {
  const nextBatch = next === null ? '' : `,"next_batch":${JSON.stringify(next)}`;
  return new EncodedJson(`{"events":[${messages.join(',')}]${nextBatch}}`);
}
