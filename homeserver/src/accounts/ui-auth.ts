// User-interactive authentication (client-server API, "User-Interactive Authentication API"): one place for every
// endpoint that asks for it. A session knows which stages are done and for what; never what was typed (S57).
import type { Clock } from '@carillon/platform/clock.ts';
import { LruMap } from '@carillon/platform/lru-map.ts';
import type { Random } from '@carillon/platform/random.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '@carillon/protocol/json.ts';
import { MatrixError } from '@carillon/protocol/matrix-error.ts';

export const UI_AUTH_SESSION_LIFETIME_MS = 30 * 60_000;
export const MAX_UI_AUTH_SESSIONS = 10_000;
const SESSION_ID_BYTES = 32;
/** Tries at the stages of one session, so that it is no way around the limits of logging in. */
const MAX_ATTEMPTS = 20;

/** Resolves with what the stage established; throws a MatrixError when what was sent is not right. */
export type StageCheck = (auth: JsonObject) => Promise<JsonValue>;

export interface UiAuthRequest {
  /** Names what is asked for; a session is good for this alone. */
  readonly operation: string;
  /** Null for a registration. */
  readonly userId: UserId | null;
  readonly flows: readonly (readonly string[])[];
  readonly params?: JsonObject;
  /** By stage type; each stage of each flow has one. */
  readonly stages: Readonly<Record<string, StageCheck>>;
}

interface UiAuthSession {
  readonly operation: string;
  readonly userId: UserId | null;
  readonly expiresTs: number;
  readonly completed: Map<string, JsonValue>;
  attempts: number;
}

/** The 401 that says what is still to be done. */
class InteractionRequired extends MatrixError {
  readonly #body: JsonObject;

  constructor(body: JsonObject) {
    super(401, 'M_UNAUTHORIZED', 'This needs interactive authentication');
    this.name = 'InteractionRequired';
    this.#body = body;
  }

  override toBody(): JsonObject {
    return this.#body;
  }
}

export class UserInteractiveAuth {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #sessions = new LruMap<string, UiAuthSession>({ max: MAX_UI_AUTH_SESSIONS });

  constructor({ clock, random }: { clock: Clock; random: Random }) {
    this.#clock = clock;
    this.#random = random;
  }

  /**
   * Resolves, with what each stage established, once all stages of a flow are done; the session is then used up.
   * Otherwise throws the 401 that names the flows, or the MatrixError of an impossible request.
   */
  async require(request: UiAuthRequest, auth: unknown): Promise<ReadonlyMap<string, JsonValue>> {
    const given = isJsonObject(auth) ? auth : null;
    const [sessionId, session] = this.#findOrOpen(request, given);
    if (given === null) throw this.#challenge(request, sessionId, session);
    await this.#tryStage(request, given, sessionId, session);
    const done = request.flows.some((flow) => flow.every((stage) => session.completed.has(stage)));
    if (!done) throw this.#challenge(request, sessionId, session);
    // Of parallel requests only one gets through.
    if (!this.#sessions.delete(sessionId)) throw this.#challenge(request, sessionId, session);
    return session.completed;
  }

  #findOrOpen(request: UiAuthRequest, auth: JsonObject | null): [string, UiAuthSession] {
    const named = auth?.['session'];
    const known = typeof named === 'string' ? this.#sessions.get(named) : undefined;
    if (typeof named === 'string' && known !== undefined && known.expiresTs > this.#clock.now()) {
      if (known.operation === request.operation && known.userId === request.userId) return [named, known];
    }
    const session: UiAuthSession = {
      operation: request.operation,
      userId: request.userId,
      expiresTs: this.#clock.now() + UI_AUTH_SESSION_LIFETIME_MS,
      completed: new Map(),
      attempts: 0,
    };
    const sessionId = this.#random.token(SESSION_ID_BYTES);
    this.#sessions.set(sessionId, session);
    // A session that is not, or no longer, known starts anew: the client sees the new one in the 401.
    if (typeof named === 'string') throw this.#challenge(request, sessionId, session);
    return [sessionId, session];
  }

  async #tryStage(request: UiAuthRequest, auth: JsonObject, sessionId: string, session: UiAuthSession): Promise<void> {
    const type = auth['type'];
    // Without a type the client asks whether stages done elsewhere suffice.
    if (type === undefined) return;
    const check = typeof type === 'string' && Object.hasOwn(request.stages, type) ? request.stages[type] : undefined;
    if (check === undefined || typeof type !== 'string') {
      throw this.#challenge(request, sessionId, session, ['M_UNRECOGNIZED', 'Unknown authentication type']);
    }
    if (session.completed.has(type)) return;
    if (++session.attempts > MAX_ATTEMPTS) {
      this.#sessions.delete(sessionId);
      throw new MatrixError(403, 'M_FORBIDDEN', 'Too many attempts; start again');
    }
    try {
      session.completed.set(type, await check(auth));
    } catch (error) {
      if (!(error instanceof MatrixError) || error.status === 429 || error.status >= 500) throw error;
      throw this.#challenge(request, sessionId, session, [error.errcode, error.message]);
    }
  }

  #challenge(
    request: UiAuthRequest,
    sessionId: string,
    session: UiAuthSession,
    fault?: readonly [errcode: string, message: string],
  ): MatrixError {
    return new InteractionRequired({
      flows: request.flows.map((stages) => ({ stages: [...stages] })),
      params: request.params ?? {},
      session: sessionId,
      ...(session.completed.size > 0 ? { completed: [...session.completed.keys()] } : {}),
      ...(fault === undefined ? {} : { errcode: fault[0], error: fault[1] }),
    });
  }
}

/** A stage that always succeeds. */
export const dummyStage: StageCheck = async () => true;
