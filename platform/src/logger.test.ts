import { describe, expect, it } from 'vitest';
import { isSecretName, scrubText } from './log-scrub.ts';
import { createLogger } from './logger.ts';

function capture(format: 'json' | 'text', level: 'info' | 'debug' = 'info') {
  const lines: string[] = [];
  const logger = createLogger({ level, format, destination: { write: (line) => lines.push(line) } });
  return { logger, lines };
}

describe('createLogger', () => {
  it('writes JSON lines with the fields of its parents', () => {
    const { logger, lines } = capture('json');
    logger.child({ part: 'rooms' }).child({ roomId: '!a:b' }).info({ ms: 3 }, 'sent');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'info',
      part: 'rooms',
      roomId: '!a:b',
      ms: 3,
      msg: 'sent',
    });
  });

  it('leaves out what is below its level', () => {
    const { logger, lines } = capture('json');
    logger.debug({}, 'detail');
    expect(lines).toEqual([]);
  });

  it('strikes out secrets by name and by look, in children, nested values and errors', () => {
    const { logger, lines } = capture('json', 'debug');
    const secret = 'syt_s3cr3t';
    const error = Object.assign(new Error(`GET /x?access_token=${secret}`, { cause: new Error(`Bearer ${secret}`) }), {
      config: { headers: { Authorization: `Bearer ${secret}` } },
    });
    logger.child({ access_token: secret }).error(
      {
        body: { auth: { password: secret }, list: [{ refreshToken: secret }] },
        url: `/sync?access_token=${secret}&a=1`,
        error,
      },
      `Bearer ${secret}`,
    );
    logger.info({ database: `postgres://me:${secret}@host/db`, text: `{"password":"${secret}"}` }, 'connecting');
    logger.info(
      { header: `X-Matrix origin="a",key="ed25519:1",sig="${secret}"`, headers: new Map([['cookie', secret]]) },
      'in',
    );
    const all = lines.join('');
    expect(all).not.toContain(secret);
    expect(all).toContain('a=1');
  });

  it('survives what JSON cannot hold', () => {
    const { logger, lines } = capture('json');
    const loop: Record<string, unknown> = {};
    loop['self'] = loop;
    logger.info({ loop, big: 2n ** 70n, bytes: Buffer.alloc(9), nothing: undefined }, 'odd');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ big: '1180591620717411303424', bytes: '[9 bytes]' });
  });

  it('writes text for people, without control characters from values', () => {
    const { logger, lines } = capture('text');
    logger.warn({ name: 'a\u001b[2Jb', roomId: '!a:b', error: new Error('broken') }, 'look');
    const text = lines.join('');
    expect(text).toContain('look');
    expect(text).toContain('roomId=!a:b');
    expect(text).toContain('Error: broken');
    expect(text).not.toContain('\u001b[2J');
  });
});

it('knows secret names whatever their spelling, and leaves other names alone', () => {
  expect(['accessToken', 'access_token', 'Authorization', 'new-password', 'shared_secret'].every(isSecretName)).toBe(
    true,
  );
  expect(['tokenCount', 'roomId', 'passwordless', 'sessionId', 'contentHash'].some(isSecretName)).toBe(false);
});

it('leaves ordinary texts alone', () => {
  const text = 'PUT /_matrix/client/v3/rooms/{roomId}/send?ts=5 took 3 ms; token missing';
  expect(scrubText(text)).toBe(text);
});
