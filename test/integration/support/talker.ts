// People who go on talking whatever happens to the server: every message is sent again until it is acknowledged, and
// everything that comes is added up.
import { type Person, v3 } from './api-client.ts';
import { SocketClient, type SyncFrame } from './socket-client.ts';
import { TimelineSum } from './timeline-sum.ts';

export interface Acknowledged {
  readonly txnId: string;
  readonly body: string;
  /** What every acknowledged try was answered with. */
  readonly eventIds: readonly string[];
}

const RETRY_MS = 50;
const BETWEEN_MESSAGES_MS = 10;
const POLL_TIMEOUT_MS = 2_000;
/** Every so often a message is sent twice at once, and once more when it has been acknowledged. */
const DOUBLE_EVERY = 5;
const FILTER = { room: { timeline: { limit: 50 } } };

const pause = (delayMs: number) => new Promise<void>((resolve) => setTimeout(resolve, delayMs));

export abstract class Talker {
  readonly person: Person;
  readonly roomId: string;
  readonly timeline: TimelineSum;
  readonly acknowledged: Acknowledged[] = [];
  /** Tries that ended without an acknowledgement. */
  failures = 0;
  /** The statuses of these, where there was an answer at all. */
  readonly refusals = new Set<number>();
  protected isTalking = true;
  protected isListening = true;
  protected isAbandoned = false;
  #running: Promise<unknown>[] = [];

  constructor(person: Person, roomId: string) {
    this.person = person;
    this.roomId = roomId;
    this.timeline = new TimelineSum(person, roomId);
  }

  /** One try; the event id. Rejects or gives null when there was no good answer. */
  protected abstract trySend(txnId: string, body: string): Promise<string | null>;
  /** Listens until `isListening` ends. */
  protected abstract listen(): Promise<void>;

  begin(): void {
    this.#running = [this.#talk(), this.listen()];
    // A test that gives up does not wait for these.
    for (const part of this.#running) part.catch(() => undefined);
  }

  async stopTalking(): Promise<void> {
    this.isTalking = false;
    await this.#running[0];
  }

  async stopListening(): Promise<void> {
    this.isListening = false;
    await this.#running[1];
  }

  /** Ends everything without waiting, after a test that failed. */
  abandon(): void {
    this.isTalking = false;
    this.isListening = false;
    this.isAbandoned = true;
  }

  protected eventIdOf({ status, body }: { status: number; body: { event_id: string } }): string | null {
    if (status === 200) return body.event_id;
    this.refusals.add(status);
    return null;
  }

  async hasSentMore(count: number, timeoutMs = 60_000): Promise<void> {
    const goal = this.acknowledged.length + count;
    const deadline = performance.now() + timeoutMs;
    while (this.acknowledged.length < goal) {
      if (performance.now() > deadline) throw new Error(`${this.person.userId} could not send for ${timeoutMs} ms`);
      await pause(RETRY_MS);
    }
  }

  /** Sends until it is acknowledged. */
  async send(txnId: string, body: string): Promise<string> {
    for (;;) {
      if (this.isAbandoned) throw new Error('given up');
      const eventId = await this.trySend(txnId, body).catch(() => null);
      if (eventId !== null) return eventId;
      this.failures++;
      await pause(RETRY_MS);
    }
  }

  async #talk(): Promise<void> {
    for (let number = 0; this.isTalking; number++) {
      const txnId = `${this.person.userId}-${number}`;
      const body = `${number}`;
      const isDoubled = number % DOUBLE_EVERY === 0;
      const eventIds = await Promise.all([this.send(txnId, body), ...(isDoubled ? [this.send(txnId, body)] : [])]);
      if (isDoubled) eventIds.push(await this.send(txnId, body));
      this.acknowledged.push({ txnId, body, eventIds });
      await pause(BETWEEN_MESSAGES_MS);
    }
  }
}

/** Sends and listens over plain HTTP. */
export class PollingTalker extends Talker {
  protected async trySend(txnId: string, body: string): Promise<string | null> {
    const target = v3`/rooms/${this.roomId}/send/m.room.message/${txnId}`;
    const content = { msgtype: 'm.text', body };
    const answer = await this.person.call<{ event_id: string }>('PUT', target, { body: content, timeoutMs: 20_000 });
    return this.eventIdOf(answer);
  }

  protected async listen(): Promise<void> {
    let since: string | undefined;
    while (this.isListening) {
      try {
        const query = { filter: FILTER, timeout: POLL_TIMEOUT_MS, ...(since !== undefined && { since }) };
        const body = await this.person.sync(query);
        await this.timeline.add(body);
        since = body.next_batch;
      } catch {
        await pause(RETRY_MS);
      }
    }
  }
}

/** Sends and listens over the socket, and resumes from the last delta that it has added up. */
export class SocketTalker extends Talker {
  #socket: SocketClient | null = null;
  connections = 0;

  protected async trySend(txnId: string, body: string): Promise<string | null> {
    if (this.#socket === null) return null;
    const target = v3`/rooms/${this.roomId}/send/m.room.message/${txnId}`;
    const answer = await this.#socket.request<{ event_id: string }>('PUT', target, { msgtype: 'm.text', body });
    return this.eventIdOf(answer);
  }

  protected async listen(): Promise<void> {
    let since: string | undefined;
    while (this.isListening) {
      try {
        const arrived: SyncFrame[] = [];
        const start = { access_token: this.person.token, filter: FILTER, ...(since !== undefined && { since }) };
        const onSync = (frame: SyncFrame) => void arrived.push(frame);
        const socket = await SocketClient.start(this.person.api.baseUrl, start, { acknowledges: false, onSync });
        this.connections++;
        this.#socket = socket;
        while (this.isListening && !socket.isClosed) {
          const frame = arrived.shift();
          if (frame === undefined) {
            await pause(BETWEEN_MESSAGES_MS);
            continue;
          }
          await this.timeline.add(frame.data);
          since = frame.pos;
          if (!socket.isClosed) socket.acknowledge(frame.pos);
        }
        this.#socket = null;
        await socket.close();
      } catch {
        this.#socket = null;
        await pause(RETRY_MS);
      }
    }
  }
}
