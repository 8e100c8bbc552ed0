// Messages from device to device, outside rooms (client-server API, module "Send-to-Device messaging").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { AnyObject } from './json-object.ts';

/** One request: clients send to some hundred devices at a time. */
export const MAX_SEND_TO_DEVICE_BYTES = 4 * 1_048_576;

export const sendToDevice = endpoint({
  method: 'PUT',
  path: '/_matrix/client/v3/sendToDevice/{eventType}/{txnId}',
  aliases: [
    '/_matrix/client/r0/sendToDevice/{eventType}/{txnId}',
    '/_matrix/client/unstable/sendToDevice/{eventType}/{txnId}',
  ],
  auth: 'accessToken',
  body: Type.Object({ messages: Type.Record(Type.String(), Type.Record(Type.String(), AnyObject)) }),
  response: Type.Object({}),
  maxBodyBytes: MAX_SEND_TO_DEVICE_BYTES,
});
