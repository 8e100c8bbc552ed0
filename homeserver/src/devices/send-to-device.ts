// Messages from one device to others (client-server API, PUT /sendToDevice): each arrives once, also when it is sent twice.
import type { Clock } from '@carillon/platform/clock.ts';
import type { Database } from '@carillon/platform/database/database.ts';
import type { KeyedQueue } from '@carillon/platform/keyed-queue.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { invalidParam, tooLarge } from '@carillon/protocol/matrix-error.ts';
import type { StreamWriter } from '../streams/stream-writer.ts';
import { hasSentToDevice, listDeviceIds, sentToDeviceTable, toDeviceTable } from './to-device.store.ts';
import type { DeviceId, ToDeviceInbox } from './to-device-inbox.ts';
import type { ToDeviceQuota } from './to-device-quota.ts';

export interface SendToDeviceDependencies {
  readonly database: Database;
  readonly streamWriter: StreamWriter;
  readonly clock: Clock;
  readonly inbox: ToDeviceInbox;
  readonly quota: ToDeviceQuota;
  readonly isLocalUser: (userId: UserId) => boolean;
  /** One request of a device at a time, so that a retry finds the first. */
  readonly sendQueue: KeyedQueue<string>;
}

/** One message, as JSON text. */
export const MAX_MESSAGE_BYTES = 65_536;
/** Devices that one request may reach. */
export const MAX_RECIPIENT_DEVICES = 20_000;
const MAX_TYPE_BYTES = 255;
const MAX_TRANSACTION_ID_BYTES = 255;
/** Instead of a device: all devices of the user. */
const EVERY_DEVICE = '*';

export interface ToDeviceRequest {
  readonly sender: UserId;
  /** Null for an app service without one: its requests are not deduplicated. */
  readonly deviceId: string | null;
  readonly type: string;
  readonly transactionId: string;
  /** By user and device, or `*`. */
  readonly messages: ReadonlyMap<UserId, Readonly<Record<string, JsonObject>>>;
}

interface Recipient extends DeviceId {
  /** The event as JSON text. */
  readonly message: string;
}

/**
 * Resolves when all messages to local devices are on disk; devices that are not there are passed over. Throws
 * M_TOO_LARGE, M_INVALID_PARAM.
 */
export async function sendToDevice(dependencies: SendToDeviceDependencies, request: ToDeviceRequest): Promise<void> {
  const { sender, deviceId, type, transactionId } = request;
  checkText(type, MAX_TYPE_BYTES, 'the event type');
  checkText(transactionId, MAX_TRANSACTION_ID_BYTES, 'the transaction id');
  if (deviceId === null) return deliver(dependencies, request, null);
  const transactionKey = JSON.stringify([type, transactionId]);
  await dependencies.sendQueue.run(`${sender} ${deviceId}`, async () => {
    if (await hasSentToDevice(dependencies.database.points, { userId: sender, deviceId, transactionKey })) return;
    await deliver(dependencies, request, { deviceId, transactionKey });
  });
}

async function deliver(
  dependencies: SendToDeviceDependencies,
  request: ToDeviceRequest,
  sent: { deviceId: string; transactionKey: string } | null,
): Promise<void> {
  const { streamWriter, clock, inbox, quota } = dependencies;
  const { sender } = request;
  const recipients = await findRecipients(dependencies, request);
  if (recipients.length === 0 && sent === null) return;
  await streamWriter.write({
    lane: sender,
    positions: 1,
    rows: (collector, position) => {
      for (const recipient of recipients) collector.add(toDeviceTable, { ...recipient, sender, position });
      if (sent !== null) collector.add(sentToDeviceTable, { ...sent, userId: sender, createdTs: clock.now() });
    },
    committed: (position) => {
      for (const recipient of recipients) {
        inbox.arrived(recipient, position);
        quota.count(recipient, recipient.message.length);
      }
    },
  });
}

/** Each device with what it gets: one message a request. */
async function findRecipients(
  { database, isLocalUser }: SendToDeviceDependencies,
  { sender, type, messages }: ToDeviceRequest,
): Promise<Recipient[]> {
  const local = [...messages].filter(([userId]) => isLocalUser(userId));
  const devices = Map.groupBy(
    await listDeviceIds(
      database,
      local.map(([userId]) => userId),
    ),
    ({ userId }) => userId,
  );
  const recipients: Recipient[] = [];
  for (const [userId, contents] of local) {
    const known = devices.get(userId) ?? [];
    const toAll = contents[EVERY_DEVICE];
    const textToAll = toAll === undefined ? null : encode(sender, type, toAll);
    for (const { deviceId } of known) {
      const content = Object.hasOwn(contents, deviceId) ? contents[deviceId] : undefined;
      const message = content === undefined ? textToAll : encode(sender, type, content);
      if (message !== null) recipients.push({ userId, deviceId, message });
    }
  }
  if (recipients.length > MAX_RECIPIENT_DEVICES) throw tooLarge(`At most ${MAX_RECIPIENT_DEVICES} devices at a time`);
  return recipients;
}

function encode(sender: UserId, type: string, content: JsonObject): string {
  const message = JSON.stringify({ sender, type, content });
  if (Buffer.byteLength(message) > MAX_MESSAGE_BYTES) throw tooLarge(`A message may have ${MAX_MESSAGE_BYTES} bytes`);
  return message;
}

function checkText(text: string, maxBytes: number, name: string): void {
  if (text.includes('\0') || Buffer.byteLength(text) > maxBytes) throw invalidParam(`This cannot be ${name}`);
}
